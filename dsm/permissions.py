"""What people may be allowed to do in dsm."""

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update({})
