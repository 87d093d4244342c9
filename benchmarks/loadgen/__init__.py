"""How many inferences a second a server carries: MLPerf LoadGen asks, by its own scenarios."""
