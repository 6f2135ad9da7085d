"""What owners do on the other pages: tokens, members, groups, roles, the audit log and the organization itself.

All of it is done twice: with the script, and without it, with forms and full pages.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from browser import Browser
from conftest import PASSWORD, Site
from pages import ACCOUNT, PAGES
from test_keys_in_browser import curl, run_as_it_stands

with_and_without_script = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


@with_and_without_script
def test_a_service_token_is_made_used_deleted_and_refused(browse: Callable[..., Browser], name: str, script: bool):
    browser = browse("ada@example.com", script=script)
    browser.open(PAGES["service-tokens"])
    browser.press("a#add")
    browser.type("dialog#dialog input[name=account]", f"robot of {name}")
    browser.choose_words("dialog#dialog select[name=group]", "Engineers")
    browser.type("dialog#dialog input[name=name]", name)
    browser.press_words("Create token", "dialog#dialog")
    secret = browser.text("#secret")
    assert secret.startswith("bt-st-")
    lines = [browser.text("#export-line"), browser.text("#curl-line")]
    json.loads(run_as_it_stands(*lines))
    browser.press("dialog#dialog a.done")
    browser.gone("dialog#dialog")
    assert secret not in browser.source
    browser.press_in_row(name, "td.action a")
    browser.says("dialog#dialog", name)
    browser.press_words("Delete token", "dialog#dialog")
    browser.gone("dialog#dialog")
    browser.says("main [role=status]", "deleted")
    assert browser.row_if_there(name) is None
    assert curl(*lines)[0] == 401


@with_and_without_script
def test_people_are_invited_given_groups_and_removed(
    browse: Callable[..., Browser], site: Site, name: str, script: bool
):
    dan, dora = (f"{each}-{name.replace(' ', '-')}@example.com" for each in ("dan", "dora"))
    browser = browse("ada@example.com", script=script)
    browser.open(PAGES["members"])
    browser.press("a#add")
    browser.type("dialog#dialog textarea[name=emails]", f"{dan}\n{dora}")
    if browser.has("dialog#dialog input[name=mail]"):
        browser.tick("dialog#dialog input[name=mail]", on=False)
    browser.press_words("Invite", "dialog#dialog")
    browser.gone("dialog#dialog")
    browser.row(dora)

    session = site.new_session(dan)
    assert session.is_signed_in
    browser.press_in_row(dan, "a[id^=edit-]")
    browser.says("dialog#dialog h2", "Change groups")
    for choice in browser.all("dialog#dialog .choice"):
        if choice.text == "Viewers":
            choice.click()
    browser.press_words("Save", "dialog#dialog")
    browser.gone("dialog#dialog")
    browser.until("the group in the row", lambda: "Viewers" in browser.row(dan).text)

    browser.press_in_row(dan, "a[id^=remove-]")
    browser.says("dialog#dialog", dan)
    browser.press_words("Remove", "dialog#dialog")
    browser.gone("dialog#dialog")
    assert browser.row_if_there(dan) is None
    assert not session.is_signed_in, "a removed member's session goes on"


@with_and_without_script
def test_a_group_gets_members_and_access_and_is_deleted(browse: Callable[..., Browser], name: str, script: bool):
    browser = browse("ada@example.com", script=script)
    browser.open(PAGES["groups"])
    browser.press("a#add")
    browser.type("dialog#dialog input[name=name]", f"former {name}")
    browser.type("dialog#dialog input[name=description]", "of the tests")
    browser.press_words("Save", "dialog#dialog")
    browser.gone("dialog#dialog")
    browser.press_in_row(f"former {name}", "a[id^=edit-]")
    browser.type("dialog#dialog input[name=name]", name)
    browser.press_words("Save", "dialog#dialog")
    browser.gone("dialog#dialog")
    browser.press_in_row(name, "a[id^=members-]")
    browser.type("dialog#dialog input[name=email]", "bob@example.com")
    browser.press_words("Add", "dialog#dialog")
    browser.says("dialog#dialog ul", "bob@example.com")
    browser.choose_words("dialog#dialog select[name=group]", "Viewers")
    browser.press_words("Add", "dialog#dialog")
    browser.says("dialog#dialog ul", "Viewers")
    browser.press("dialog#dialog button[name=remove_group]")
    browser.until("the end of the group in it", lambda: "group Viewers" not in browser.text("dialog#dialog ul"))
    browser.press("dialog#dialog a.cancel")
    browser.gone("dialog#dialog")
    browser.until("the member in the row", lambda: "1 member" in browser.row(name).text)

    browser.press_words("Access", "nav.views")
    browser.press("a#add")
    browser.choose_words("dialog#dialog select[name=group]", name)
    browser.press_words("Give access", "dialog#dialog")
    browser.gone("dialog#dialog")
    browser.press_in_row(name, "a[id^=revoke-]")
    browser.press_words("Take back", "dialog#dialog")
    browser.gone("dialog#dialog")
    browser.until("the end of the row", lambda: browser.row_if_there(name) is None)

    browser.press_words("Groups", "nav.views")
    browser.press_in_row(name, "a[id^=delete-]")
    browser.press_words("Delete group", "dialog#dialog")
    browser.gone("dialog#dialog")
    assert browser.row_if_there(name) is None


@with_and_without_script
def test_a_role_is_added_changed_given_and_deleted(browse: Callable[..., Browser], site: Site, name: str, script: bool):
    browser = browse("ada@example.com", script=script)
    browser.open(PAGES["roles"])
    browser.press("a#add")
    browser.type("dialog#dialog input[name=name]", name)
    browser.tick("dialog#dialog input[type=checkbox][value='read:project']")
    browser.tick("dialog#dialog input[type=checkbox][value='update:project']")
    browser.press_words("Save", "dialog#dialog")
    browser.gone("dialog#dialog")

    def role() -> dict[str, Any]:
        with site.server.client(site.installation.ada.key) as client:
            return client.get("/v1/role", params={"role_name": name}).json()["objects"][0]

    def permissions() -> set[tuple[str, str | None]]:
        return {(each["permission"], each["restrict_object_type"]) for each in role()["member_permissions"]}

    assert permissions() == {("read", "project"), ("update", "project")}
    browser.press_in_row(name, "a[id^=edit-]")
    browser.says("dialog#dialog h2", "Edit role")
    # Meanwhile somebody else changes what the form shows, which it then leaves alone.
    with site.server.client(site.installation.ada.key) as client:
        taken = {"permission": "read", "restrict_object_type": "project"}
        change = {"description": "two\nlines", "remove_member_permissions": [taken]}
        client.patch(f"/v1/role/{role()['id']}", json=change).raise_for_status()
    browser.tick("dialog#dialog input[type=checkbox][value='update:project']", on=False)
    browser.tick("dialog#dialog input[type=checkbox][value='read:experiment']")
    browser.press_words("Save", "dialog#dialog")
    browser.gone("dialog#dialog")
    assert permissions() == {("read", "experiment")}
    assert role()["description"] == "two\nlines"
    # What a field of one line cannot show is not lost to whoever leaves it so.
    browser.press_in_row(name, "a[id^=edit-]")
    browser.tick("dialog#dialog input[type=checkbox][value='read:project']")
    browser.press_words("Save", "dialog#dialog")
    browser.gone("dialog#dialog")
    assert permissions() == {("read", "project"), ("read", "experiment")}
    assert role()["description"] == "two\nlines"

    browser.press_words("Access", "nav.views")
    browser.press("a#add")
    browser.type("dialog#dialog input[name=email]", "fay@example.com")
    browser.choose_words("dialog#dialog select[name=what]", name)
    browser.press_words("Give access", "dialog#dialog")
    browser.gone("dialog#dialog")
    browser.until("the role in the row", lambda: name in browser.row("fay@example.com").text)

    browser.press_words("Roles", "nav.views")
    browser.press_in_row(name, "a[id^=delete-]")
    browser.says("dialog#dialog", name)
    browser.press_words("Delete role", "dialog#dialog")
    browser.gone("dialog#dialog")
    assert browser.row_if_there(name) is None
    browser.press_words("Access", "nav.views")
    browser.says("h1", "Groups and roles")
    browser.until("the end of what it gave", lambda: browser.row_if_there("fay@example.com") is None)


def test_a_role_s_permissions_are_a_matrix_of_words(browse: Callable[..., Browser]):
    browser = browse("ada@example.com")
    browser.open(PAGES["roles"])
    browser.press_in_row("Viewer", "td.action a")
    browser.find("table.matrix")
    heads = [head.text.lower() for head in browser.all("table.matrix thead th")]
    rows = {row.find_element("css selector", "th").text.lower(): row for row in browser.all("table.matrix tbody tr")}
    assert "project" in " ".join(rows)
    cells = next(row for kind, row in rows.items() if kind.startswith("project")).find_elements("css selector", "td")
    assert len(cells) == len(heads) - 1
    assert all(cell.get_attribute("textContent").strip() in ("yes", "no") for cell in cells)


@with_and_without_script
def test_the_audit_log_is_filtered_and_taken_away(browse: Callable[..., Browser], site: Site, script: bool):
    browser = browse("ada@example.com", script=script)
    site.signed_in("bob@example.com")
    browser.open(PAGES["audit-log"])
    browser.find("#events")
    browser.type("input[name=event]", "session.created")
    browser.type("input[name=actor]", "bob@example.com")
    browser.press_words("Filter", "form.filters")
    browser.until("the filtered address", lambda: "event=session.created" in browser.path)
    browser.until(
        "sign-ins only",
        lambda: {row.text for row in browser.all("#events tbody th")} == {"session.created"},
    )
    events = [json.loads(line) for line in browser.download("Export JSONL").splitlines()]
    assert events and {event["event_type"] for event in events} == {"session.created"}
    assert len(list(csv.DictReader(io.StringIO(browser.download("Export CSV"))))) == len(events)


@with_and_without_script
def test_the_snippets_work_as_they_stand(browse: Callable[..., Browser], site: Site, script: bool):
    """In a shell and in Python, with a key where the page says that it goes."""
    browser = browse("ada@example.com", script=script)
    browser.open(PAGES["general"])
    assert browser.text("#api-url") == site.url
    variables = {"PATH": os.environ["PATH"], "BRAINTRUST_API_KEY": site.installation.ada.key}
    assert "BRAINTRUST_API_KEY" in browser.text("section[aria-labelledby=use-title] p")
    answer = run_as_it_stands(browser.text("pre#curl"), variables=variables)
    assert "objects" in json.loads(answer)
    python = subprocess.run(
        [sys.executable, "-P", "-c", browser.text("pre#python")],
        capture_output=True,
        text=True,
        timeout=60,
        env=variables,
        check=False,
    )
    assert python.returncode == 0, python.stderr
    assert python.stdout.strip() == site.installation.organization["id"]


def test_the_lines_of_a_new_key_work_with_both_clients(browse: Callable[..., Browser], site: Site, name: str):
    """The export line alone says to both where the server is and who asks."""
    browser = browse("ada@example.com")
    browser.open(PAGES["api-keys"])
    browser.press("a#add")
    browser.type("dialog#dialog input[name=name]", name)
    browser.press_words("Create key", "dialog#dialog")
    export = browser.text("#export-line")
    for program in (
        "import braintrust; braintrust.login(); print(braintrust.org_id())",
        "import braintrust_api as b, os; c = b.Braintrust(base_url=os.environ['BRAINTRUST_API_URL']);"
        " print(next(iter(c.organizations.list())).id)",
    ):
        answer = run_as_it_stands(export, f'{sys.executable} -P -c "{program}"')
        assert answer.strip() == site.installation.organization["id"]


@with_and_without_script
def test_a_person_sets_a_password_and_ends_sessions(
    browse: Callable[..., Browser], site: Site, name: str, script: bool
):
    email = f"gil-{name.replace(' ', '-')}@example.com"
    with site.server.client(site.installation.ada.key) as client:
        people = {"emails": [email], "group_names": ["Engineers"], "send_invite_emails": False}
        client.patch("/v1/organization/members", json={"invite_users": people}).raise_for_status()
    other = site.new_session(email)
    browser = browse(script=script)
    browser.use_session(site.new_session(email).session)
    browser.open(ACCOUNT)
    assert len(browser.all("#sessions tbody tr")) == 2
    browser.press_words("End", "#sessions td.action")
    browser.says("[role=status]", "ended")
    assert len(browser.all("#sessions tbody tr")) == 1
    assert not other.is_signed_in

    other = site.new_session(email)
    browser.type("input[name=new_password]", PASSWORD)
    browser.press_words("Set password")
    browser.says("[role=status]", "Your password is set")
    assert not other.is_signed_in
    new_password = f"{PASSWORD} of the second year"
    browser.type("input[name=current_password]", "not the password")
    browser.type("input[name=new_password]", new_password)
    browser.press_words("Change password")
    browser.find("main [role=alert]")
    browser.type("input[name=current_password]", PASSWORD)
    browser.type("input[name=new_password]", new_password)
    browser.press_words("Change password")
    browser.says("[role=status]", "Your password is set")

    browser.press_words("Sign out")
    browser.sign_in(email, PASSWORD)
    browser.find("[role=alert]")
    browser.sign_in(email, new_password)
    browser.find("nav#settings")


@with_and_without_script
def test_an_owner_renames_their_organization(browse: Callable[..., Browser], site: Site, script: bool):
    """And gets its old name back, since other tests go there."""
    browser = browse("carol@example.com", script=script)
    browser.open("/app/Initech/configuration/org/general")
    for name in ("Initech & S\u00f6hne", "Initech"):
        browser.type("input[name=name]", name)
        browser.press_words("Save", "main")
        browser.find("[role=status]")
        browser.open(PAGES["general"])
        assert browser.find("input[name=name]").get_attribute("value") == name
    assert site.signed_in("carol@example.com").get("/app/Initech/configuration/org/general").status_code == 200
