"""Surrogate-Capability and Surrogate-Control.  [Edge Architecture Specification]"""

import pytest

from weir.cached import FRESH, front, is_used, numbered  # noqa: F401

pytestmark = pytest.mark.weir_only

NO = ("Cache-Control", "no-store")


def told(one, **rest):
    one.get(**rest)
    return one.origin.requests[-1].all("Surrogate-Capability")


def test_the_origin_is_told_of_us(front):
    one = front(numbered(FRESH))
    assert told(one) == ['weir="Surrogate/1.0"']


def test_a_clients_claim_goes_no_further(front):
    one = front(numbered(NO))
    claim = [("Surrogate-Capability", 'weir="ESI/1.0"'), ("Surrogate-Capability", "x")]
    assert told(one, fields=claim) == ['weir="Surrogate/1.0"']
    assert told(one, fields=claim, method="POST") == []


@pytest.mark.parametrize("more", ["cache_surrogate off;", "cache_targets CDN-Cache-Control;", "cache_targets off;"])
def test_nothing_is_said_where_nothing_is_obeyed(front, more):
    assert told(front(numbered(FRESH), more=more)) == []


def test_compat_nginx_says_nothing(front):
    assert told(front(numbered(FRESH), main="compat nginx;")) == []


def test_a_name_of_its_own(front):
    assert told(front(numbered(FRESH), more="cache_surrogate edge-1;")) == ['edge-1="Surrogate/1.0"']


USED = {
    "what is for us": [NO, ("Surrogate-Control", "max-age=3600;weir")],
    "ours before all's": [("Surrogate-Control", "max-age=0, max-age=3600;weir")],
    "ours behind another's": [("Surrogate-Control", "no-store;other, max-age=3600;weir")],
}
UNUSED = {
    "what is for another": [NO, ("Surrogate-Control", "max-age=3600;other")],
    "ours forbids": [FRESH, ("Surrogate-Control", "max-age=3600, no-store;weir")],
    "all are forbidden": [FRESH, ("Surrogate-Control", "no-store, max-age=3600;weir")],
}


@pytest.mark.parametrize("case", USED)
def test_is_used(front, case):
    assert is_used(front, *USED[case])


@pytest.mark.parametrize("case", UNUSED)
def test_is_not_used(front, case):
    assert not is_used(front, *UNUSED[case])


def test_off_has_no_name(front):
    assert not is_used(front, NO, ("Surrogate-Control", "max-age=3600;weir"), more="cache_surrogate off;")
