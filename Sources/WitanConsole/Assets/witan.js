"use strict";

// Everything works without this script, with full pages. With it, links and forms marked `data-partial` fetch the same
// addresses and take the main part of the answers; dialogs are modal; times are local; lines can be copied.
(() => {
  const main = () => document.getElementById("main");
  const secretIsShown = () => document.querySelector("dialog[data-reveal]") !== null;

  /** The number of the latest request for a page: an older answer that comes later is not shown. */
  let latest = 0;
  /** The form whose change is under way, which is not sent twice. */
  let sending = null;
  /** What opened the dialog, so that the focus returns to it. */
  let openerID = "";

  // Saying things to people who do not see the page

  const say = (text) => {
    const live = document.getElementById("live");
    if (live) live.textContent = text;
  };

  const sayNotices = () => {
    // What is outside a modal dialog is not read aloud, and the dialog's own alerts are.
    const texts = [...main().querySelectorAll(":scope > [role=status], :scope > [role=alert]")];
    say(texts.map((each) => each.textContent.trim()).join(" "));
  };

  // Times

  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];

  const relativeTime = (date) => {
    const seconds = (date.getTime() - Date.now()) / 1000;
    const distance = Math.abs(seconds);
    if (distance > 7 * 86400) return date.toLocaleDateString(undefined, { dateStyle: "medium" });
    const format = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto" });
    for (const [unit, length] of units) {
      if (distance >= length) return format.format(Math.trunc(seconds / length), unit);
    }
    return format.format(0, "minute") === "this minute" ? "just now" : format.format(0, "minute");
  };

  const localize = (root) => {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const date = new Date(element.dateTime);
      if (Number.isNaN(date.getTime()) || element.dataset.local) continue;
      element.dataset.local = "true";
      element.title = `${element.dateTime.slice(0, 19).replace("T", " ")} UTC`;
      const style = element.dataset.style;
      if (style === "relative") element.textContent = relativeTime(date);
      else if (style === "date") element.textContent = date.toLocaleDateString(undefined, { dateStyle: "medium" });
      else element.textContent = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    }
  };

  // Copying

  const copyText = async (source) => {
    if (navigator.clipboard) {
      try {
        await navigator.clipboard.writeText(source.textContent);
        return true;
      } catch {
        // The browser may forbid it; then the older way is tried.
      }
    }
    // Over HTTP to another machine there is no clipboard, only the copying of what is selected.
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    const status = button.nextElementSibling;
    if (!source || !status?.classList.contains("copied")) return;
    // One thing is copied at a time, and the button itself says which.
    for (const each of document.querySelectorAll("button[data-copy]")) {
      each.firstChild.textContent = "Copy";
      each.nextElementSibling.textContent = "";
    }
    const done = await copyText(source);
    if (done) button.firstChild.textContent = "Copied";
    else getSelection().selectAllChildren(source);
    status.classList.toggle("visually-hidden", done);
    status.textContent = done ? "Copied" : "Selected; press Ctrl+C or ⌘C";
  };

  // Rows that are selected

  const boxesOf = (name) => [...main().querySelectorAll("input[type=checkbox]")].filter((box) => box.name === name);

  const countSelected = () => {
    for (const button of main().querySelectorAll("[data-selection]")) {
      const boxes = boxesOf(button.dataset.selection);
      const count = boxes.filter((box) => box.checked).length;
      button.disabled = count === 0;
      const label = button.querySelector("[data-selected-count]");
      if (label) label.textContent = count === 0 ? "" : ` (${count})`;
      for (const all of main().querySelectorAll("[data-select-all]")) {
        if (all.dataset.selectAll !== button.dataset.selection) continue;
        all.checked = count > 0 && count === boxes.length;
        all.indeterminate = count > 0 && count < boxes.length;
      }
    }
  };

  // Dialogs

  const openDialog = () => {
    const dialog = main().querySelector("dialog[open]");
    if (!dialog) return false;
    dialog.removeAttribute("open");
    dialog.showModal();
    const wrong = dialog.querySelector("[aria-invalid=true]");
    const field = wrong ?? dialog.querySelector("[autofocus], input:not([type=hidden]), select, textarea, [data-copy]");
    (field ?? dialog.querySelector(".cancel, .done, button"))?.focus();
    // Some systems close a dialog by themselves; leaving it is then the same as its way out.
    dialog.addEventListener("close", () => {
      if (dialog.isConnected) dialog.querySelector("a.cancel, a.done")?.click();
    });
    return true;
  };

  /** Takes a shown key out of the page, before the page is put aside or another one is fetched. */
  const forgetSecret = () => document.querySelector("dialog[data-reveal]")?.remove();

  /** Makes what the server sent ready for use. */
  const enhance = () => {
    for (const element of main().querySelectorAll("[data-needs-script]")) element.hidden = false;
    for (const button of main().querySelectorAll("button[data-copy]")) {
      const status = document.createElement("span");
      status.className = "copied";
      status.setAttribute("aria-live", "polite");
      button.after(status);
    }
    localize(document);
    countSelected();
    return openDialog();
  };

  // Pages

  const markNavigation = (page) => {
    const current = page.querySelector("#settings [aria-current]")?.getAttribute("href");
    if (!current) return;
    for (const link of document.querySelectorAll("#settings a")) {
      if (link.getAttribute("href") === current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };

  const show = (page, focusID) => {
    const fresh = page.getElementById("main");
    document.title = page.title;
    main().replaceWith(document.adoptNode(fresh));
    markNavigation(page);
    if (!enhance()) (document.getElementById(focusID) ?? main()).focus({ preventScroll: focusID !== "" });
    sayNotices();
  };

  /** Fetches a page; nothing when it is none that can be shown inside this one. */
  const fetchPage = async (url, options) => {
    const answer = await fetch(url, {
      ...options,
      credentials: "same-origin",
      cache: "no-store",
      headers: { Accept: "text/html", "X-Requested-With": "witan" },
    });
    const type = answer.headers.get("Content-Type") ?? "";
    const address = new URL(answer.url);
    if (address.origin !== location.origin || address.pathname.startsWith("/signin") || !type.startsWith("text/html")) {
      return { answer, page: null };
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const hasMain = page.getElementById("main") !== null;
    // A page of another kind is loaded as a whole, but for refusals: to load them again would say something else.
    return { answer, page: hasMain && (page.getElementById("settings") || !answer.ok) ? page : null };
  };

  /** Shows the page of an address; `history` says what becomes of the entry: "push", "replace" or "keep". */
  const visit = async (url, { history: change, focusID = "" }) => {
    const number = ++latest;
    main().setAttribute("aria-busy", "true");
    try {
      const { answer, page } = await fetchPage(url, { method: "GET" });
      if (number !== latest) return;
      if (!page) return void location.assign(answer.redirected ? answer.url : url);
      const address = new URL(answer.url);
      address.hash = new URL(url, location.href).hash;
      if (change === "push" && address.href !== location.href) history.pushState(null, "", address);
      else if (change !== "keep") history.replaceState(null, "", address);
      show(page, focusID);
      if (change === "push" && focusID === "") scrollTo(0, 0);
    } catch {
      if (number === latest) location.assign(url);
    }
  };

  /** Sends a change and shows its answer. What was sent is not sent again: it may have been carried out. */
  const send = async (form, submitter) => {
    if (sending) return;
    sending = form;
    const number = ++latest;
    main().setAttribute("aria-busy", "true");
    try {
      const fields = new URLSearchParams(new FormData(form, submitter));
      const { answer, page } = await fetchPage(form.getAttribute("action") ?? location.href, {
        method: "POST",
        body: fields,
      });
      if (number !== latest) return;
      // What is refused before any page of the settings looks at it leaves the form as it was written.
      if (!answer.ok && !answer.redirected && !page?.getElementById("settings")) return void refuse(form, refusalOf(answer, page));
      if (!page) return void location.assign(answer.url);
      const wayOut = page.querySelector("dialog[data-reveal] a.done")?.getAttribute("href");
      if (answer.redirected) history.replaceState(null, "", answer.url);
      else if (wayOut) history.replaceState(null, "", wayOut);
      show(page, openerID);
    } catch {
      refuse(form, "The server did not answer. Look whether the change was made before you try again.");
    } finally {
      sending = null;
    }
  };

  const refusalOf = (answer, page) =>
    page?.querySelector("[role=alert]")?.textContent ??
    `The form was not taken (${answer.status}). Look whether the change was made before you try again.`;

  const refuse = (form, text) => {
    main().removeAttribute("aria-busy");
    form.querySelector("[role=alert]")?.remove();
    const alert = document.createElement("p");
    alert.className = "alert";
    alert.setAttribute("role", "alert");
    alert.textContent = text;
    form.prepend(alert);
  };

  // Events

  const isPlainClick = (event) =>
    event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    if (button) return void copy(button);
    const menu = document.querySelector("details.menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
    const link = event.target.closest("a[data-partial]");
    if (!link || event.defaultPrevented || !isPlainClick(event) || link.origin !== location.origin) return;
    event.preventDefault();
    // A change that is under way may answer with a key, which is shown once.
    if (sending) return;
    const leavesDialog = link.closest("dialog") !== null;
    if (!leavesDialog) openerID = link.id;
    visit(link.href, { history: leavesDialog ? "replace" : "push", focusID: openerID });
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!HTMLFormElement.prototype.matches.call(form, "form[data-partial]")) return;
    event.preventDefault();
    if (form.method === "post") return void send(form, event.submitter);
    if (sending) return;
    openerID = event.submitter?.id ?? "";
    const url = new URL(form.getAttribute("action") ?? location.pathname, location.href);
    url.search = new URLSearchParams(new FormData(form, event.submitter));
    visit(url.href, { history: "push", focusID: openerID || document.activeElement.id });
  });

  document.addEventListener("change", (event) => {
    const all = event.target.dataset.selectAll;
    if (all) for (const box of boxesOf(all)) box.checked = event.target.checked;
    countSelected();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const dialog = document.querySelector("dialog:modal");
    const menu = document.querySelector("details.menu[open]");
    if (dialog) {
      // A dialog without a way to cancel shows a key, which one keystroke must not throw away.
      event.preventDefault();
      dialog.querySelector("a.cancel")?.click();
    } else if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  addEventListener("popstate", () => {
    forgetSecret();
    visit(location.href, { history: "keep", focusID: openerID });
  });

  addEventListener("pagehide", forgetSecret);

  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  // Where a shown key came as a page of its own, going back and forth must not ask to send the form again.
  if (secretIsShown()) {
    const wayOut = document.querySelector("dialog[data-reveal] a.done");
    if (wayOut) history.replaceState(null, "", wayOut.getAttribute("href"));
  }

  enhance();
})();
