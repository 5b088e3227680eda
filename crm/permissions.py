"""What people may be allowed to do in crm."""

from config.shared.permissions import PERMISSIONS

PERMISSIONS.update({})
