"""Runs tests one after the other, and says how each went and how many there were as cargo does, which scripts/test adds up.

Before it is imported, its directory has to be among those where Python looks.
"""

import sys


def run(tests, *, together=False, when_one_fails=lambda: None):
    """Runs functions, or pairs of a name and a function, and exits with 1 if one failed. One that gives a text could not be
    run, and that is why. `together`: each goes on where the one before it stopped, so the first that fails is the last.
    """
    passed, failed, ignored = 0, 0, 0
    for test in tests:
        name, test = test if isinstance(test, tuple) else (test.__name__, test)
        try:
            missing = test()
        except Exception as error:  # whatever it is, the others are still run
            failed += 1
            print(f"test {name} ... FAILED\n    {type(error).__name__}: {error}")
            when_one_fails()
            if together:
                break
        else:
            passed += not missing
            ignored += bool(missing)
            print(f"test {name} ... {f'ignored, {missing}' if missing else 'ok'}")
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed; {ignored} ignored")
    sys.exit(failed > 0)
