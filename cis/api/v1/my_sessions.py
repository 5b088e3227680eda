"""Customers' apps: sign in by the mini program's code or by telephone, see where one is signed in, sign out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cis.operations import app_sign_in, portal
from cis.queries import portal_people
from cis.wechat.mini_program import code_to_session
from config.shared import app_sessions
from config.shared.api.my import DoorView, MyView, OfSession, address_of, caller_of, person_of, read_input
from config.shared.app_sessions import Caller, WechatOfApp
from config.shared.errors import Refused

TAGS = ["my"]
# With the token of a session that waits for a telephone, or with none.
MAYBE: Any = [{}, {"appSession": []}]
SIGNED_IN, TELEPHONE_NEEDED = "signed-in", "telephone-needed"


class WechatNotOffered(Refused):
    """This installation has no mini program."""

    code = "wechat-not-offered"


class CodeAsked(serializers.Serializer[Any]):
    """Where a code goes."""

    telephone = serializers.CharField(max_length=20)


class CodeSentOut(serializers.Serializer[Any]):
    """The same whether or not anybody known has the telephone."""

    expires_in_s = serializers.IntegerField()
    again_in_s = serializers.IntegerField()


class SignInAsked(serializers.Serializer[Any]):
    """Either `code` of wx.login, or `telephone` with the `sms_code` that came to it."""

    code = serializers.CharField(max_length=512, required=False)
    telephone = serializers.CharField(max_length=20, required=False)
    sms_code = serializers.CharField(max_length=12, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One way in, and all of it."""
        if set(attrs) not in ({"code"}, {"telephone", "sms_code"}):
            raise serializers.ValidationError(_("请给出 code，或者 telephone 和 sms_code。"))
        return attrs


class MySessionOut(serializers.Serializer[Any]):
    """Whose session this is; `telephone-needed` opens nothing but signing in by telephone."""

    state = serializers.ChoiceField(choices=(SIGNED_IN, TELEPHONE_NEEDED))
    telephone = serializers.CharField(allow_blank=True, help_text="masked; empty while none is proved")
    has_wechat = serializers.BooleanField(help_text="whether WeChat's own payment window can be used")
    expires_at = serializers.DateTimeField()


class MyNewSessionOut(MySessionOut):
    """A session with its token, which is told once."""

    token = serializers.CharField()


class MyDeviceOut(serializers.Serializer[Any]):
    """One app that is signed in."""

    session_id = serializers.IntegerField()
    device = serializers.CharField()
    began_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    is_this = serializers.BooleanField()


class MyDevicesOut(serializers.Serializer[Any]):
    """Where one is signed in, newest first."""

    results = MyDeviceOut(many=True)


class SignInCodes(DoorView):
    """POST /api/v1/my/sign-in-codes"""

    @extend_schema(
        operation_id="my_sign_in_code",
        tags=TAGS,
        auth=[],
        request=CodeAsked,
        responses={202: CodeSentOut},
        examples=[
            OpenApiExample("A telephone", {"telephone": "13800000099"}, request_only=True),
            OpenApiExample("Sent", {"expires_in_s": 300, "again_in_s": 60}, response_only=True, status_codes=["202"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Send a code to a telephone; the answer says nothing about who has it."""
        asked = read_input(CodeAsked, request.data)
        portal.send_sign_in_code(telephone=asked["telephone"], asked_from=address_of(request), at=timezone.now())
        return Response(CodeSentOut({"expires_in_s": 300, "again_in_s": 60}).data, status=202)


class Sessions(DoorView):
    """POST /api/v1/my/sessions"""

    @extend_schema(
        operation_id="my_sign_in",
        tags=TAGS,
        auth=MAYBE,
        request=SignInAsked,
        responses={201: MyNewSessionOut},
        examples=[
            OpenApiExample("Mini program", {"code": "0a1Bc2De3Fg4Hi5Jk6Lm7No8Pq9Rs0Tu"}, request_only=True),
            OpenApiExample("Telephone", {"telephone": "13800000099", "sms_code": "482915"}, request_only=True),
            OpenApiExample(
                "A new session",
                {
                    "state": SIGNED_IN,
                    "telephone": "138****0099",
                    "has_wechat": True,
                    "expires_at": "2026-03-05T09:00:00+08:00",
                    "token": "k3VZ0o1mQy7cB9xR2tW5uN8sL4dF6hJ0aP1eG3iT7yU",
                },
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """
        Sign in. A WeChat that nobody has joined yet gives a session that waits for a telephone: sign in by telephone
        with its token, and from then on the WeChat alone is enough. The token before is dead afterwards.
        """
        asked, now = read_input(SignInAsked, request.data), timezone.now()
        agent = request.headers.get("User-Agent", "")
        if "code" in asked:
            who = code_to_session(asked["code"], api_base=_wechat(request))
            wechat = WechatOfApp(who.app_id, who.openid, who.unionid)
            signed = app_sign_in.sign_in_with_wechat(wechat=wechat, user_agent=agent, at=now)
        else:
            before = request.auth if isinstance(request.auth, Caller) else None
            signed = app_sign_in.sign_in_with_telephone(
                telephone=asked["telephone"], code=asked["sms_code"], before=before, user_agent=agent, at=now
            )
        body = _session(signed.user_id, has_wechat=signed.has_wechat, expires_at=signed.expires_at)
        return Response(MyNewSessionOut({**body, "token": signed.token}).data, status=201)


class CurrentSession(MyView):
    """/api/v1/my/sessions/current"""

    permission_classes = [OfSession]

    @extend_schema(operation_id="my_session", tags=TAGS, responses=MySessionOut)
    def get(self, request: Request) -> Response:
        """Whose session this is."""
        caller = caller_of(request)
        body = _session(caller.user_id, has_wechat=bool(caller.wechat.app_id), expires_at=caller.expires_at)
        return Response(MySessionOut(body).data)

    @extend_schema(operation_id="my_sign_out", tags=TAGS, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Sign out; the token is nobody's from now on."""
        app_sessions.end(session_id=caller_of(request).session_id, at=timezone.now())
        return Response(status=204)


class Devices(MyView):
    """GET /api/v1/my/devices"""

    @extend_schema(operation_id="my_devices", tags=TAGS, responses=MyDevicesOut)
    def get(self, request: Request) -> Response:
        """Which apps one is signed in with."""
        caller = caller_of(request)
        rows = app_sessions.sessions_of(person_of(request), at=timezone.now(), this_id=caller.session_id)
        return Response(MyDevicesOut({"results": rows}).data)


class Device(MyView):
    """DELETE /api/v1/my/devices/<session_id>"""

    @extend_schema(operation_id="my_device_sign_out", tags=TAGS, responses={204: None})
    def delete(self, request: Request, session_id: int) -> Response:
        """Sign another of one's own apps out."""
        app_sessions.end(session_id=session_id, user_id=person_of(request), at=timezone.now())
        return Response(status=204)


def _session(user_id: int | None, *, has_wechat: bool, expires_at: Any) -> dict[str, Any]:
    return {
        "state": SIGNED_IN if user_id is not None else TELEPHONE_NEEDED,
        "telephone": portal_people.masked_telephone_of(user_id) if user_id is not None else "",
        "has_wechat": has_wechat,
        "expires_at": expires_at,
    }


def _wechat(request: Request) -> str:
    """Where code2session is asked."""
    if not settings.WECHAT_MINI_APP_ID:
        raise WechatNotOffered(_("这里没有开通微信小程序，请用手机号登录。"))
    if settings.WECHAT_MINI_API_BASE:
        return str(settings.WECHAT_MINI_API_BASE)
    return request.build_absolute_uri(reverse("cis:sim_wechat_mini_session")).removesuffix("/sns/jscode2session")
