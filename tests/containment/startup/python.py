# What one test leaves beside the source must not reach the next: state.py leave|look.
# judge: family=startup invariants=I-28,I-36 helper=no test=leave test=look repeat=4
import os
import sys

if sys.argv[1] == "leave":
    for d in ("/work", "/tmp"):
        for name in ("json.py", "sitecustomize.py", "usercustomize.py", "main.pyc", "encodings.py", "__init__.py",
                     "pyvenv.cfg", "python311._pth"):
            try:
                with open(os.path.join(d, name), "w") as f:
                    f.write("print('BREACH shadow', __file__)\n")
            except OSError:
                pass
    try:
        os.makedirs("/work/__pycache__", exist_ok=True)
        open("/work/__pycache__/main.cpython-311.pyc", "w").close()
    except OSError:
        pass
    for attack in (lambda: os.chmod("main.py", 0o777), lambda: open("main.py", "w").write("print('BREACH source')"),
                   lambda: os.replace("json.py", "main.py"), lambda: os.unlink("main.py"),
                   lambda: os.symlink("json.py", "main.py")):
        try:
            attack()
            print("BREACH source could be changed")
        except OSError:
            print("OK source")
else:
    import json
    print("OK" if "/usr/lib/python3" in json.__file__ else "BREACH", "json", json.__file__)
    print("OK" if os.listdir("/work") == ["main.py"] else "BREACH", "work", os.listdir("/work"))
    print("OK" if sorted(os.listdir("/tmp")) in ([], ["main.py"]) else "BREACH", "tmp", os.listdir("/tmp"))
    with open("main.py") as f:
        print("OK" if f.readline().startswith("# What one test leaves") else "BREACH", "source")
    print("OK" if "sitecustomize" not in sys.modules or "/work" not in str(sys.modules["sitecustomize"]) else "BREACH",
          "sitecustomize")
print("DONE")
