"""What people may be allowed to do in halls."""

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update({})
