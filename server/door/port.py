"""What a person is told when a port cannot be listened on. It opens none."""

import errno

from server.errors import StartError


def listening_error(error: OSError, host: str, port: int, choosing: str) -> StartError:
    """Return it; `choosing` is how another port is set, up to its number."""
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return StartError(
            f"{where} is taken by another program. Stop it, or choose another port: "
            f"{choosing}{port + 1}"
        )
    return StartError(f"{where} cannot be listened on: {error.strerror or error}")
