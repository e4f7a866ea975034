"""The networks, as plain functional Keras models of HU."""
