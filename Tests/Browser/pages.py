"""The pages that every person, or every owner, finds, for the tests and for pictures of them."""

from __future__ import annotations

SIGNED_OUT = {"signin": "/signin"}

ORGANIZATION = "/app/~/configuration/org"
ACCOUNT = "/app/~/configuration/account"
API_KEYS = f"{ORGANIZATION}/api-keys"

PAGES = {
    "api-keys": API_KEYS,
    "service-tokens": f"{ORGANIZATION}/service-tokens",
    "members": f"{ORGANIZATION}/members",
    "groups": f"{ORGANIZATION}/groups",
    "roles": f"{ORGANIZATION}/groups?view=roles",
    "access": f"{ORGANIZATION}/groups?view=access",
    "audit-log": f"{ORGANIZATION}/audit-log",
    "general": f"{ORGANIZATION}/general",
    "account": ACCOUNT,
}

# What only owners and those whom they let may see.
OWNERS = ("service-tokens", "audit-log")

# Dialogs have addresses of their own.
DIALOGS = {
    "api-keys-add": f"{API_KEYS}?add",
    "service-tokens-add": f"{ORGANIZATION}/service-tokens?add",
    "members-add": f"{ORGANIZATION}/members?add",
    "groups-add": f"{ORGANIZATION}/groups?add",
    "roles-add": f"{ORGANIZATION}/groups?view=roles&add=1",
    "access-add": f"{ORGANIZATION}/groups?view=access&add=1",
}
