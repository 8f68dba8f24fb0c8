"""`python -m scripts.local_supabase`."""

import sys

from scripts.local_supabase.cli import main

sys.exit(main())
