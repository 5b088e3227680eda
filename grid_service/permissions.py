"""What people may be allowed to do in grid_service."""

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update({})
