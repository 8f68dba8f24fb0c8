"""The stand-in gateway behaves as Razorpay documents, and goes wrong only when it is told to."""
