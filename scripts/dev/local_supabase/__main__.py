"""`python -m scripts.dev.local_supabase`."""

import sys

from scripts.dev.local_supabase.cli import main

sys.exit(main())
