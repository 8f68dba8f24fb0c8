"""What databases get: the migrations, how they are built, locked and deployed."""
