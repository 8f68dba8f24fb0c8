"""The local stack's Auth server through the real SDKs, and over bare HTTP where it says no."""
