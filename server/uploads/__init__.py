"""Documents that clients send over the socket, on their way into the store."""
