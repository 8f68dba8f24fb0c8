"""What surrounds every request: who may come in, refusals, CORS, the API's description."""
