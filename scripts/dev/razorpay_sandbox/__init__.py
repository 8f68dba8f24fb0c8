"""A stand-in for Razorpay on loopback, for tests and the demo; never for production."""
