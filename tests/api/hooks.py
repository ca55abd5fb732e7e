"""What Schemathesis can't take from the document: where in the log a new order stands, and that it is there then."""

import schemathesis

# They take the place in the log, so that a counter that has not read that far waits, and does not say that there is no such order.
PATIENT = ("showOrder", "commandOrder")


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """A part of a header is nothing that OpenAPI's expressions can say."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                if "Location" in answer.get("headers", {}):
                    for name in PATIENT:
                        place = "$response.header.Location#regex:at=(.+)"
                        answer["links"][name]["parameters"]["query.at"] = place


@schemathesis.check
def whatever_is_full_says_so(ctx, response, case):
    """A 503 that may be is that of what is full, as codes and tokens are after so many."""
    if response.status_code == 503 and response.json().get("code") != "busy":
        raise AssertionError(f"503, and not because something is full: {response.text}")


@schemathesis.check
def an_order_that_was_placed_is_there(ctx, response, case):
    """Schemathesis' own check of it asks that all parameters come from the link, headers too."""
    parent = ctx.internals.find_parent(case_id=case.id)
    if parent is None or response.status_code != 404:
        return
    location = ctx.internals.find_response(case_id=parent.id).headers.get("location", [""])[0]
    if location == f"/orders/{case.path_parameters.get('id')}?at={case.query.get('at')}":
        raise AssertionError(f"{location} was placed, and nobody knows it")
