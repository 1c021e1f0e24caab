"""Which version of Parley runs. It compares none."""

import importlib.metadata


def version() -> str:
    """Return the version of the distribution, or of the checkout it runs from."""
    try:
        return importlib.metadata.version("parley")
    except importlib.metadata.PackageNotFoundError:
        return "0.1.0"
