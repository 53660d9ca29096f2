r"""Somebody's own protocol, said in a small file: what is sent, and what is due.

In reading order:

========  ==============================================================
reply     ``Reply``: what must come, byte for byte, or in part (pure)
dialogue  ``ProtocolScript``, ``ScriptStep``: all that the file says (pure)
reading   the file (TOML), with errors that say where and what to write
speaking  a script on a connection: greeting, steps, the close
========  ==============================================================

The cases of scripts are in ``sockproto.check.cases.scripted``, and among the others where they fit both::

    script = read("examples/check/redis.toml")
    report = judge(script, "127.0.0.1", 6379, quick=True)
"""

SCRIPT = "script"
"""What cases name for the protocols of scripts, as ``echo`` for that protocol."""
