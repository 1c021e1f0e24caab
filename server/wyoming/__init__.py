"""Home Assistant's Wyoming protocol: Parley's ears, voice and answers, through the same stages."""
