"""Make what the application needs in APPLICATION_DATA: database, static files, a user."""

import django
from django.core.management import call_command

django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)

from django.contrib.auth.models import User     # noqa: E402  after setup()

User.objects.create_superuser("alice", "alice@a.example", "correct horse")
