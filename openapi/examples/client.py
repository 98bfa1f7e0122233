#!/usr/bin/env python3
"""Mails the people of a list through Dispatch and prints what the mail server answered for each. Python 3.9, nothing else.

    export DISPATCH_URL=https://dispatch.example.org DISPATCH_TOKEN=…    # an API token of the scope `full`
    printf 'ada@example.org,Ada Lovelace\n' | python3 client.py 'News of the week'
"""

import csv
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

API = os.environ.get("DISPATCH_URL", "http://127.0.0.1:8000") + "/api/v1"
TOKEN = os.environ.get("DISPATCH_TOKEN", "")


class Refused(Exception):
    """A problem as RFC 9457 has it: `code` is for programs, `detail` for people, `fields` name the mistakes."""

    def __init__(self, status, problem):
        self.status, self.code = status, problem.get("code")
        mistakes = [f"{one['field']}: {one['message']}" for one in problem.get("fields", [])]
        super().__init__(f"{status} {self.code}: {'; '.join(mistakes) or problem.get('detail')}")


def ask(method, path, body=None, query=None):
    """One request; asks again when told to wait (429, 503), for then nothing has been done."""
    url = API + path + ("?" + urllib.parse.urlencode(query) if query else "")
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    while True:
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code in (429, 503):
                time.sleep(float(error.headers.get("Retry-After", 2)))
                continue
            raise Refused(error.code, json.loads(error.read() or b"{}")) from None


def recipient_id(email, full_name):
    """A recipient's id; one who is there already is found."""
    try:
        return ask("POST", "/recipients", {"email": email, "full_name": full_name})["id"]
    except Refused as refused:
        if refused.status != 409:
            raise
    for known in everything("/recipients", {"q": email}):
        if known["email"].lower() == email.lower():
            return known["id"]
    raise SystemExit(f"{email} is there and is not found")


def everything(path, query):
    """All items of a list, page after page."""
    page = 1
    while True:
        answer = ask("GET", path, query={**query, "page": page, "per_page": 100})
        yield from answer["items"]
        if page * answer["per_page"] >= answer["total"]:
            return
        page += 1


def all_of_log(path, query):
    """All items of a list without page numbers: each stretch says where the next one begins."""
    cursor = None
    while True:
        answer = ask("GET", path, query={**query, "limit": 200, **({"cursor": cursor} if cursor else {})})
        yield from answer["items"]
        cursor = answer.get("next_cursor")
        if not cursor:
            return


def finished_run(mailing_id):
    """The mailing's run, when nothing of it is left to be sent. Those who are asked to wait are tried again for a day."""
    seen = None
    while True:
        for run in ask("GET", f"/mailings/{mailing_id}/runs")["items"]:
            if run["status"] in ("finished", "cancelled"):
                return run
            if run["counts"] != seen:
                seen = run["counts"]
                print(f"{seen['accepted']} of {seen['total']} accepted", file=sys.stderr)
        time.sleep(1)


def main():
    subject = sys.argv[1] if len(sys.argv) > 1 else "Hello"
    people = [(row[0].strip(), row[1].strip() if len(row) > 1 else "") for row in csv.reader(sys.stdin) if row]
    ids = [recipient_id(email, full_name) for email, full_name in people]
    html = "<p>Hello, {{ full_name | default('friend', true) }}!</p>"
    message = ask("POST", "/messages", {"subject": subject, "html": html})
    mailing = ask("POST", "/mailings", {
        "message_id": message["id"],
        "recipients": {"ids": ids},
        "start_now": True,
        "recurrence": "once",
        "time_zone": "UTC",
    })
    run = finished_run(mailing["id"])
    for attempt in sorted(all_of_log("/attempts", {"run_id": run["id"]}), key=lambda one: one["recipient"]["email"]):
        print(attempt["recipient"]["email"], attempt["outcome"], attempt["smtp_code"] or "-", attempt["response"])


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        raise SystemExit(str(refused)) from None
