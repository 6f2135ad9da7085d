"""Everything that the pages can show: each page, each dialog and each refusal, with what they show it of.

The tests of looks and the pictures go through this one list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from browser import Browser
from conftest import PASSWORD, Site
from pages import ACCOUNT, API_KEYS, DIALOGS, ORGANIZATION, PAGES

ADA, BOB, CAROL = "ada@example.com", "bob@example.com", "carol@example.com"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
    " Mobile/15E148 Safari/604.1"
)
LONG_ADDRESS = "maximiliana.featherstonehaugh-cholmondeley@evaluation.research.departments.example.com"

# Carol owns it, and nothing was made in it yet.
EMPTY = "/app/Initech/configuration/org"

KEYS = [
    ("<script>alert(\"hello\")</script> & 'quotes'", "never"),
    ("n" * 1_024, "never"),
    ("\u0645\u0641\u062a\u0627\u062d \u0627\u0644\u0625\u0646\u062a\u0627\u062c", "never"),
    ("nightly evaluation of the support assistant in production", "30"),
    ("laptop", "90"),
    ("ci pipeline", "never"),
]
GROUP, EMPTY_GROUP = "Release managers", "Auditors of the second quarter"
ROLE = "Release manager"
TOKENS = ["deploy", "rollback", "t" * 300]
ROBOT = "deploy bot"


def furnish(site: Site) -> None:
    """Makes what a small organization has after some weeks, with names as people and programs give them."""
    with site.server.client(site.installation.ada.key) as client:

        def post(path: str, **body: object) -> dict:
            answer = client.post(f"/v1/{path}", json=body)
            answer.raise_for_status()
            return answer.json()

        soon = datetime.now(UTC) + timedelta(seconds=1)
        post("api_key", name="trial of last week", expires_at=soon.isoformat(timespec="milliseconds"))
        carol = client.get("/v1/user", params={"email": CAROL}).json()["objects"][0]["id"]
        group = post("group", name=GROUP, description="Who may deploy", member_users=[carol])["id"]
        post("group", name=EMPTY_GROUP)
        post(
            "role",
            name=ROLE,
            description="What a release needs and nothing more, as it was agreed on with those who answer for it",
            member_permissions=[
                {"permission": "read"},
                {"permission": "update", "restrict_object_type": "project"},
                {"permission": "create", "restrict_object_type": "experiment"},
            ],
        )
        organization = site.installation.organization["id"]
        for grant in ({"group_id": group, "permission": "update"}, {"user_id": carol, "permission": "read_acls"}):
            post("acl", object_type="organization", object_id=organization, **grant)
        people = {"emails": [LONG_ADDRESS, "dan@example.com"], "group_names": ["Viewers"], "send_invite_emails": False}
        client.patch("/v1/organization/members", json={"invite_users": people}).raise_for_status()
    site.new_session(ADA, **{"User-Agent": PHONE})
    ada = site.signed_in(ADA)
    for name in TOKENS:
        fields = {"account": ROBOT, "group": group, "name": name, "expiry": "90"}
        path = PAGES["service-tokens"] + "?add"
        ada.post(path, fields, token=ada.form_token(path)).raise_for_status()
    for email in (BOB, ADA):
        visitor = site.signed_in(email)
        for name, expiry in KEYS:
            path = f"{API_KEYS}?add"
            visitor.post(path, {"name": name, "expiry": expiry}, token=visitor.form_token(path)).raise_for_status()


@dataclass
class Stage:
    """A browser in which one person after the other is signed in, with an organization that is furnished."""

    site: Site
    browser: Browser

    def open(self, who: str | None, path: str, shows: str = "nav#settings") -> Browser:
        """Shows a page to somebody, or to nobody who is signed in."""
        self.browser.forget_session()
        if who is not None:
            self.browser.use_session(self.site.signed_in(who).session)
        self.browser.open(path)
        self.browser.find(shows)
        return self.browser


State = Callable[[Stage], object]


def at(who: str | None, path: str, shows: str = "nav#settings") -> State:
    """What somebody finds at an address."""
    return lambda stage: stage.open(who, path, shows)


def in_row(page: str, row: str, control: str, shows: str = "dialog#dialog form") -> State:
    """What Ada finds behind a link of a row."""

    def state(stage: Stage) -> None:
        browser = stage.open(ADA, page)
        browser.press_in_row(row, control)
        browser.find(shows)

    return state


def sign_in_refused(stage: Stage) -> None:
    browser = stage.open(None, "/signin", "form#sign-in")
    browser.sign_in(BOB, f"not the {PASSWORD}")
    browser.find("[role=alert]")


def sign_in_link(stage: Stage) -> None:
    stage.open(None, stage.site.installation.sign_in_path(CAROL), "form#sign-in")


def not_allowed_within(stage: Stage) -> None:
    """The refusal of a page that is shown within another one: the person has signed in as another meanwhile."""
    browser = stage.open(ADA, PAGES["service-tokens"])
    browser.use_session(stage.site.signed_in(BOB).session)
    browser.press("a#add")
    browser.says("h1", "Not allowed")


def form_too_old(stage: Stage) -> None:
    browser = stage.open(BOB, "/signout", "main form")
    browser.use_session(stage.site.signed_in(ADA).session)
    browser.press("main form button")
    browser.says("h1", "Not allowed")


def add_refused(stage: Stage) -> None:
    browser = stage.open(ADA, f"{API_KEYS}?add")
    browser.find("dialog#dialog form")
    browser.run("document.querySelector('dialog form').noValidate = true;")
    browser.press_words("Create key", "dialog#dialog")
    browser.find("dialog#dialog .error")


def add_on_a_past_date(stage: Stage) -> None:
    browser = stage.open(ADA, f"{API_KEYS}?add")
    browser.type("dialog#dialog input[name=name]", "ci pipeline")
    browser.choose("dialog#dialog select[name=expiry]", "date")
    browser.run("document.querySelector('dialog input[type=date]').value = '2020-02-29';")
    browser.run("document.querySelector('dialog form').noValidate = true;")
    browser.press_words("Create key", "dialog#dialog")
    browser.find("dialog#dialog [role=alert]")


def deleted(stage: Stage) -> None:
    ada = stage.site.signed_in(ADA)
    path = f"{API_KEYS}?add"
    ada.post(path, {"name": "to be deleted", "expiry": "30"}, token=ada.form_token(path)).raise_for_status()
    browser = stage.open(ADA, API_KEYS)
    browser.press_in_row("to be deleted", "td.action a")
    browser.press("dialog#dialog form button")
    browser.says("main [role=status]", "deleted")


def reveal_key(stage: Stage) -> None:
    browser = stage.open(ADA, f"{API_KEYS}?add")
    browser.type("dialog#dialog input[name=name]", "to be shown")
    browser.press_words("Create key", "dialog#dialog")
    browser.find("#secret")


def copied(stage: Stage) -> None:
    reveal_key(stage)
    stage.browser.press("button#copy")
    stage.browser.find("dialog#dialog .copied:not(:empty)")


def delete_several(page: str, names: list[str]) -> State:
    def state(stage: Stage) -> None:
        select_several(page, names)(stage)
        stage.browser.press("button[data-selection]")
        stage.browser.find("dialog#dialog ul.names")

    return state


def select_several(page: str, names: list[str]) -> State:
    def state(stage: Stage) -> None:
        browser = stage.open(ADA, page)
        for name in names:
            browser.press_in_row(name, "input[name=selected]")
        browser.says("button[data-selection]", f"({len(names)})")

    return state


def reveal_token(stage: Stage) -> None:
    browser = stage.open(ADA, DIALOGS["service-tokens-add"])
    browser.type("dialog#dialog input[name=account]", ROBOT)
    browser.type("dialog#dialog input[name=name]", "to be shown")
    browser.press_words("Create token", "dialog#dialog")
    browser.find("#secret")


def invitation_refused(stage: Stage) -> None:
    browser = stage.open(ADA, DIALOGS["members-add"])
    browser.type("dialog#dialog textarea", "nobody at all")
    browser.press_words("Invite", "dialog#dialog")
    browser.find("dialog#dialog [role=alert]")


def group_refused(stage: Stage) -> None:
    browser = stage.open(ADA, DIALOGS["groups-add"])
    browser.type("dialog#dialog input[name=name]", GROUP)
    browser.press_words("Save", "dialog#dialog")
    browser.find("dialog#dialog [role=alert]")


def role_refused(stage: Stage) -> None:
    browser = stage.open(ADA, DIALOGS["roles-add"])
    browser.type("dialog#dialog input[name=name]", ROLE)
    browser.press_words("Save", "dialog#dialog")
    browser.find("dialog#dialog [role=alert]")


def access_refused(stage: Stage) -> None:
    browser = stage.open(ADA, DIALOGS["access-add"])
    browser.press_words("Give access", "dialog#dialog")
    browser.find("dialog#dialog [role=alert]")


def event_details(stage: Stage) -> None:
    browser = stage.open(ADA, PAGES["audit-log"])
    browser.press("#events summary")
    browser.find("#events details[open] dl")


def saved(stage: Stage) -> None:
    browser = stage.open(ADA, PAGES["general"])
    browser.press_words("Save", "main")
    browser.find("[role=status]")


def password_refused(stage: Stage) -> None:
    browser = stage.open(ADA, ACCOUNT)
    browser.type("input[name=current_password]", f"not the {PASSWORD}")
    browser.type("input[name=new_password]", PASSWORD)
    browser.press("#password-form button")
    browser.find("[role=alert]")


def organizations(stage: Stage) -> None:
    browser = stage.open(CAROL, f"{EMPTY}/api-keys")
    browser.press("details#organizations summary")
    browser.find("details#organizations li a")


STATES: dict[str, State] = {
    "signin": at(None, "/signin", "form#sign-in"),
    "signin-refused": sign_in_refused,
    "signin-link": sign_in_link,
    "signin-link-refused": at(None, "/signin/link?token=used", "[role=alert]"),
    "signout": at(BOB, "/signout", "main form"),
    "not-found": at(ADA, f"{ORGANIZATION}/no-such-page", "[role=alert]"),
    "not-allowed": at(BOB, PAGES["audit-log"], "[role=alert]"),
    "not-allowed-within": not_allowed_within,
    "form-too-old": form_too_old,
    "organizations": organizations,
    "api-keys": at(ADA, API_KEYS),
    "api-keys-empty": at(CAROL, f"{EMPTY}/api-keys", ".empty"),
    "api-keys-of-a-member": at(BOB, API_KEYS),
    "api-keys-none-found": at(ADA, f"{API_KEYS}?q=of+nobody", ".empty"),
    "api-keys-deleted": deleted,
    "api-keys-add": at(ADA, f"{API_KEYS}?add", "dialog#dialog form"),
    "api-keys-add-refused": add_refused,
    "api-keys-add-past-date": add_on_a_past_date,
    "api-keys-reveal": reveal_key,
    "api-keys-copied": copied,
    "api-keys-delete": in_row(API_KEYS, KEYS[1][0], "td.action a"),
    "api-keys-selected": select_several(API_KEYS, ["laptop", "ci pipeline"]),
    "api-keys-delete-several": delete_several(API_KEYS, [name for name, _ in KEYS[:4]]),
    "service-tokens": at(ADA, PAGES["service-tokens"]),
    "service-tokens-empty": at(CAROL, f"{EMPTY}/service-tokens", ".empty"),
    "service-tokens-none-found": at(ADA, f"{PAGES['service-tokens']}?q=of+nobody", ".empty"),
    "service-tokens-add": at(ADA, DIALOGS["service-tokens-add"], "dialog#dialog form"),
    "service-tokens-reveal": reveal_token,
    "service-tokens-delete": in_row(PAGES["service-tokens"], TOKENS[0], "td.action a"),
    "service-tokens-delete-several": delete_several(PAGES["service-tokens"], TOKENS),
    "members": at(ADA, PAGES["members"]),
    "members-of-a-member": at(BOB, PAGES["members"]),
    "members-none-found": at(ADA, f"{PAGES['members']}?q=of+nobody", ".empty"),
    "members-add": at(ADA, DIALOGS["members-add"], "dialog#dialog form"),
    "members-add-refused": invitation_refused,
    "members-edit": in_row(PAGES["members"], "dan@example.com", "a[id^=edit-]"),
    "members-remove": in_row(PAGES["members"], "dan@example.com", "a[id^=remove-]"),
    "members-remove-service-account": in_row(PAGES["members"], ROBOT, "a[id^=remove-]"),
    "groups": at(ADA, PAGES["groups"]),
    "groups-of-a-member": at(BOB, PAGES["groups"]),
    "groups-add": at(ADA, DIALOGS["groups-add"], "dialog#dialog form"),
    "groups-add-refused": group_refused,
    "groups-edit": in_row(PAGES["groups"], GROUP, "a[id^=edit-]"),
    "groups-edit-built-in": in_row(PAGES["groups"], "Engineers", "a[id^=edit-]"),
    "groups-delete": in_row(PAGES["groups"], GROUP, "a[id^=delete-]"),
    "groups-members": in_row(PAGES["groups"], "Engineers", "a[id^=members-]"),
    "groups-members-none": in_row(PAGES["groups"], EMPTY_GROUP, "a[id^=members-]"),
    "roles": at(ADA, PAGES["roles"]),
    "roles-permissions": in_row(PAGES["roles"], "Engineer", "td.action a", "dialog#dialog table.matrix"),
    "roles-add": at(ADA, DIALOGS["roles-add"], "dialog#dialog form"),
    "roles-add-refused": role_refused,
    "roles-edit": in_row(PAGES["roles"], ROLE, "a[id^=edit-]"),
    "roles-delete": in_row(PAGES["roles"], ROLE, "a[id^=delete-]"),
    "access": at(ADA, PAGES["access"]),
    "access-give": at(ADA, DIALOGS["access-add"], "dialog#dialog form"),
    "access-give-refused": access_refused,
    "access-revoke": in_row(PAGES["access"], GROUP, "a[id^=revoke-]"),
    "audit-log": at(ADA, PAGES["audit-log"]),
    "audit-log-details": event_details,
    "audit-log-filtered": at(ADA, f"{PAGES['audit-log']}?range=all&event=session.created", "#events"),
    "audit-log-none-found": at(ADA, f"{PAGES['audit-log']}?actor=nobody", ".empty"),
    "general": at(ADA, PAGES["general"]),
    "general-saved": saved,
    "general-of-a-member": at(BOB, PAGES["general"]),
    "account": at(ADA, ACCOUNT),
    "account-refused": password_refused,
}
