"""Settings of the test run: the same generated examples every time; a failure is repeatable.

To search for new ones: `pytest --hypothesis-profile=search`.
"""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None)
settings.load_profile("repeatable")
