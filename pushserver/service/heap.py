"""What is there for good, and what comes and goes."""

import gc


def settle() -> None:
    """Spare the garbage collector what is there now: modules, configuration, actors stay to the end.

    A look through all of that stops every thread for 80 ms, for longer where there are many recipients. It is
    taken again and again under load, and whenever a configuration is unpickled. What is replaced later is
    freed as before, by its count of references.
    """
    gc.freeze()
