"""Razorpay: the outgoing client, the webhook, the routes of a payment, refunds."""
