"""Tests of payments in the database: what Razorpay tells, and what becomes of it."""
