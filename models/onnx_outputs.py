"""Makes an inner tensor of an ONNX file an output, without the onnx package. It runs no network.

Protocol Buffers merge a message field that stands twice, so an output is added by appending a few
bytes to the file; see "Last One Wins" in their encoding guide.
"""

from collections.abc import Iterator

_GRAPH, _NODE, _OUTPUT = 7, 1, 12
_NODE_OUTPUT, _NODE_KIND, _VALUE_NAME = 2, 4, 1
_LENGTH_DELIMITED = 2
_FIXED_BYTES = {1: 8, 5: 4}


def with_output_of(model: bytes, kind: str) -> bytes | None:
    """Return the model with the output of its only node of that kind as its last output.

    None when there is no such node, or several, or the bytes are no ONNX model.
    """
    try:
        names = _outputs_of(memoryview(model), kind)
    except (IndexError, ValueError):
        return None
    if len(names) != 1:
        return None
    value = _field(_VALUE_NAME, names[0])
    return model + _field(_GRAPH, _field(_OUTPUT, value))


def _outputs_of(model: memoryview, kind: str) -> list[bytes]:
    found = []
    for graph in _children(model, _GRAPH):
        for node in _children(graph, _NODE):
            if [bytes(name) for name in _children(node, _NODE_KIND)] == [kind.encode()]:
                found += [bytes(name) for name in _children(node, _NODE_OUTPUT)]
    return found


def _children(message: memoryview, wanted: int) -> Iterator[memoryview]:
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        wire_kind = tag & 7
        if wire_kind == _LENGTH_DELIMITED:
            size, position = _varint(message, position)
            if tag >> 3 == wanted:
                yield message[position : position + size]
            position += size
        elif wire_kind == 0:
            _, position = _varint(message, position)
        elif wire_kind in _FIXED_BYTES:
            position += _FIXED_BYTES[wire_kind]
        else:
            raise ValueError("no Protocol Buffers message")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _field(number: int, content: bytes) -> bytes:
    return _encoded(number << 3 | _LENGTH_DELIMITED) + _encoded(len(content)) + content


def _encoded(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])
