"""Every fault between Razorpay and the books, over real HTTP."""
