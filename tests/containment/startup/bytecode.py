# Leaves byte code, packages and paths for the next Python, in every place of sys.path.
# judge: family=startup invariants=I-28,I-36 helper=no test=leave test=look repeat=3
import importlib.util
import os
import py_compile
import sys

if sys.argv[1] == "leave":
    with open("/work/evil.py", "w") as f:
        f.write("print('BREACH byte code')\n")
    for name in ("json", "re", "random", "site", "sitecustomize", "usercustomize", "encodings"):
        for d in ["/work", "/tmp", os.path.expanduser("~/.local/lib/python3.11/site-packages"), *sys.path]:
            try:
                os.makedirs(d + "/__pycache__", exist_ok=True)
                py_compile.compile("/work/evil.py", cfile=f"{d}/__pycache__/{name}.cpython-311.pyc", doraise=True)
                if not d.startswith(("/work", "/tmp")):
                    print("BREACH wrote", d)
                with open(d + "/" + name + ".pth", "w") as f:
                    f.write("import evil\n")
            except (OSError, py_compile.PyCompileError):
                pass
    print("OK left")
else:
    import json
    import random
    print("OK" if json.__file__.startswith("/usr/lib/python3") and random.__file__.startswith("/usr/lib/python3") else "BREACH", "modules", json.__file__)
    print("OK" if importlib.util.find_spec("evil") is None else "BREACH", "evil")
    print("OK" if not os.path.exists("/work/__pycache__") and not os.path.exists(os.path.expanduser("~/.local")) else "BREACH", "left over")
    print("OK" if sys.flags.dont_write_bytecode and sys.flags.no_user_site else "BREACH", "flags", sys.flags)
print("DONE")
