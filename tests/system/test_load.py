"""A small exam: fair in the rush, no errors, and the run log agrees (tests/load)."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "load"))

import exam


LOG = {"log_wait": "10s"}  # what is written late, on a busy disk, is not lost here


class Load(unittest.TestCase):
    def test_exam(self):
        # ten answers each: one more or less is a tenth, so make load's 0.95 is not for this
        args = exam.arguments(["--users", "36", "--scale", "120", "--times", "2", "--rush", "10", "--fresh", "0",
                               "--fair", "0.8"])
        self.assertEqual(exam.exam(args, app=LOG), [])

    def test_exam_with_refusals(self):
        """A bound that is too short for the rush: refused are told when to come again, and all is judged."""
        args = exam.arguments(["--users", "15", "--scale", "300", "--times", "1", "--rush", "4", "--patience", "6"])
        wrong = exam.exam(args, sandbox={"slots": 1, "max_wait": "50ms"}, app=LOG)
        self.assertEqual([w for w in wrong if "Jain" not in w and "in the rush" not in w], [])
