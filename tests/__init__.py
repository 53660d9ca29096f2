"""The tests; run by pytest and, as far as they are TestCases, by trial."""

from hypothesis import settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("sockproto", deadline=None)
settings.load_profile("sockproto")
