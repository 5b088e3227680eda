"""Customers' apps: pay or prepay by WeChat or Alipay, see what became of it, payments and their receipts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from cis.queries import portal
from cis.queries.portal import Right
from config.shared import rate_limits
from config.shared.api.my import MyView, address_of, caller_of, person_of, read_input
from config.shared.api.my_pages import CURSOR_PARAMETERS, CursorInput, cut
from payments import queries
from payments.channels.base import Payer, Scene
from payments.operations.my_orders import MY_CHANNELS, ask_about_my_order, start_my_order
from payments.web.console import pdf_answer

TAGS = ["my"]
WECHAT_FIELDS = ("timeStamp", "nonceStr", "package", "signType", "paySign")
KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="8 to 255 visible characters, with or without quotes; the same key is the same order for ever.",
    examples=[OpenApiExample("One payment", "8e03978e-40d5-43dd-bc93-6894a57f9324")],
)


class MyOrderAsked(serializers.Serializer[Any]):
    """What is paid. Without `bills` the oldest are paid first and what is more is prepayment."""

    amount_fen = serializers.IntegerField(min_value=1, max_value=10**11)
    channel = serializers.ChoiceField(choices=MY_CHANNELS)
    bills = serializers.ListField(
        child=serializers.RegexField(r"^[0-9]{16,24}$"), required=False, default=list, max_length=60
    )


class WechatCallOut(serializers.Serializer[Any]):
    """What `wx.requestPayment` is called with, as it is."""

    timeStamp = serializers.CharField()
    nonceStr = serializers.CharField()
    package = serializers.CharField()
    signType = serializers.CharField()
    paySign = serializers.CharField()


class MyOrderOut(serializers.Serializer[Any]):
    """An order; `trouble` is set where money came that people must look at."""

    order_no = serializers.CharField(source="out_trade_no")
    account_no = serializers.CharField()
    amount_fen = serializers.IntegerField()
    state = serializers.ChoiceField(choices=("created", "paid", "closed", "held"), help_text="held: people look at it")
    expires_at = serializers.DateTimeField()
    receipt_no = serializers.CharField(allow_blank=True)
    trouble = serializers.CharField(allow_blank=True)


class MyOrderBegunOut(MyOrderOut):
    """An order and how its payer goes on: WeChat's own window, or an address to open."""

    wechat = WechatCallOut(allow_null=True)
    address = serializers.CharField(allow_blank=True)


class MyPaymentOut(serializers.Serializer[Any]):
    """One payment; `prepaid_fen` of it was more than what was owed."""

    receipt_no = serializers.CharField()
    account_no = serializers.CharField()
    amount_fen = serializers.IntegerField()
    prepaid_fen = serializers.IntegerField()
    method = serializers.CharField()
    method_name = serializers.CharField(source="method_word")
    received_at = serializers.DateTimeField()
    business_date = serializers.DateField()
    is_reversed = serializers.BooleanField()


class MyPaymentsOut(serializers.Serializer[Any]):
    """Payments, newest first; `next_cursor` goes into `cursor` for the page after."""

    results = MyPaymentOut(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class MyPaidPartOut(serializers.Serializer[Any]):
    """So much went to this bill; `fee_fen` of it to its late fee."""

    bill_no = serializers.CharField()
    amount_fen = serializers.IntegerField()
    fee_fen = serializers.IntegerField()


class MyReceiptOut(MyPaymentOut):
    """One payment and where it went; `pdf` is where its receipt is fetched with the same token."""

    parts = MyPaidPartOut(many=True)
    pdf = serializers.CharField()


class WhateverIsAccepted(BaseContentNegotiation):
    """A file is sent as what it is; refusals stay problems."""

    def select_parser(self, _request: Any, parsers: Any) -> Any:
        """The first."""
        return parsers[0]

    def select_renderer(self, _request: Any, renderers: Any, _format_suffix: Any = None) -> Any:
        """The first."""
        return renderers[0], renderers[0].media_type


def _mine(request: Request, account_no: str = "") -> portal.MyAccounts:
    return portal.my_accounts(user_id=person_of(request), preferred=account_no, today=timezone.localdate())


class MyOrders(MyView):
    """POST /api/v1/my/accounts/<account_no>/payment-orders"""

    kind = "pay"

    @extend_schema(
        operation_id="my_order_begin",
        tags=TAGS,
        parameters=[KEY],
        request=MyOrderAsked,
        responses={201: MyOrderBegunOut},
        examples=[
            OpenApiExample("Prepay", {"amount_fen": 10000, "channel": "wechat"}, request_only=True),
            OpenApiExample(
                "A bill",
                {"amount_fen": 18640, "channel": "wechat", "bills": ["2026010000000001"]},
                request_only=True,
            ),
            OpenApiExample("By Alipay", {"amount_fen": 5000, "channel": "alipay"}, request_only=True),
            OpenApiExample(
                "To WeChat's window",
                {
                    "order_no": "W0123456789ABCDEF0123456",
                    "account_no": "4200000001",
                    "amount_fen": 18640,
                    "state": "created",
                    "expires_at": "2026-02-03T09:15:00+08:00",
                    "receipt_no": "",
                    "trouble": "",
                    "wechat": {
                        "timeStamp": "1770080400",
                        "nonceStr": "5f0c1f2e3d4b5a697887766554433221",
                        "package": "prepay_id=wx201410272009395522657a690389285100",
                        "signType": "RSA",
                        "paySign": "oR9d8PuhnIc+YZ8cBHFCwfgpaK9gd7vaRvkYD7rthRAZ",
                    },
                    "address": "",
                },
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )
    def post(self, request: Request, account_no: str) -> Response:
        """Begin to pay or to prepay; nothing is charged before the payer says yes to the provider."""
        mine = _mine(request, account_no).only(account_no)
        mine.current.require(Right.PAY)
        asked = read_input(MyOrderAsked, request.data)
        channel = asked["channel"]
        started = start_my_order(
            user_id=person_of(request),
            account_id=mine.current.account_id,
            amount_fen=asked["amount_fen"],
            bill_nos=asked["bills"],
            key=request.headers.get("Idempotency-Key", ""),
            channel=channel,
            payer=_payer(request),
            notify_url=request.build_absolute_uri(reverse("payments:notice", args=[channel])),
            return_url=request.build_absolute_uri(reverse("payments:portal_orders")) + "{order}/",
            at=timezone.now(),
        )
        order = queries.get_order(started.out_trade_no, account_ids=mine.ids)
        app = started.begun.app
        body = {
            **_order(order, mine),
            "wechat": {name: app[name] for name in WECHAT_FIELDS} if app else None,
            "address": started.begun.address,
        }
        return Response(MyOrderBegunOut(body).data, status=201)


class MyOrder(MyView):
    """GET /api/v1/my/payment-orders/<out_trade_no>"""

    @extend_schema(operation_id="my_order", tags=TAGS, responses=MyOrderOut)
    def get(self, request: Request, out_trade_no: str) -> Response:
        """What became of an order; the provider is asked where nobody told us yet, so often and no oftener."""
        mine = _mine(request)
        order = self._own(out_trade_no, mine, request)
        if order.state == "created" and not order.is_waiting and self._may_ask(request):
            ask_about_my_order(out_trade_no=out_trade_no, at=timezone.now())
            order = self._own(out_trade_no, mine, request)
        return Response(MyOrderOut(_order(order, mine)).data)

    def _own(self, out_trade_no: str, mine: portal.MyAccounts, request: Request) -> queries.OrderPage:
        return queries.get_order(
            out_trade_no, account_ids=mine.ids, of_all=mine.ids_with(Right.RECEIPTS), payer_id=person_of(request)
        )

    def _may_ask(self, request: Request) -> bool:
        """Whoever looks too often is told what we know."""
        bucket = f"my:person:{person_of(request)}:ask"
        return rate_limits.take(bucket, limit=settings.MY_API_LIMITS["ask"], period_s=60).is_allowed


class MyPayments(MyView):
    """GET /api/v1/my/accounts/<account_no>/payments"""

    @extend_schema(operation_id="my_payments", tags=TAGS, parameters=CURSOR_PARAMETERS, responses=MyPaymentsOut)
    def get(self, request: Request, account_no: str) -> Response:
        """The account's payments; who only pays or rents sees their own."""
        account = _mine(request, account_no).only(account_no).current
        asked = read_input(CursorInput, request.query_params)
        rows = queries.list_receipts(
            account_id=account.account_id,
            payer_id=None if account.may(Right.RECEIPTS) else person_of(request),
            before=asked["cursor"],
            limit=asked["limit"] + 1,
        )
        return Response(MyPaymentsOut(cut(rows, asked["limit"], lambda row: row.payment_id)).data)


class MyPayment(MyView):
    """GET /api/v1/my/payments/<receipt_no>"""

    @extend_schema(operation_id="my_payment", tags=TAGS, responses=MyReceiptOut)
    def get(self, request: Request, receipt_no: str) -> Response:
        """One payment and where it went."""
        found = _receipt(request, receipt_no, _mine(request))
        body = {
            **MyPaymentOut(found.payment).data,
            "parts": MyPaidPartOut(found.parts, many=True).data,
            "pdf": request.build_absolute_uri(reverse("api_my_receipt_pdf", args=[receipt_no])),
        }
        return Response(body)


class MyReceiptPdf(MyView):
    """GET /api/v1/my/payments/<receipt_no>/receipt.pdf"""

    content_negotiation_class = WhateverIsAccepted

    @extend_schema(operation_id="my_receipt_pdf", tags=TAGS, responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, request: Request, receipt_no: str) -> HttpResponse:
        """The receipt as PDF; the holder's name and address stand on it for whom they are."""
        mine = _mine(request)
        found = _receipt(request, receipt_no, mine)
        if found.account_id not in mine.ids_with(Right.HOLDER):
            found = replace(found, name="", address="", payment=replace(found.payment, masked_name=""))
        return pdf_answer(request._request, found, "a4")


def _payer(request: Request) -> Payer:
    """Who pays: their WeChat where the app knows it, else somebody at a telephone."""
    wechat = caller_of(request).wechat
    ip = address_of(request)
    if wechat.openid and wechat.app_id in (settings.WECHAT_PAY["app_id"], settings.WECHAT_PAY["mini_app_id"]):
        return Payer(Scene.WECHAT, ip, wechat.openid, wechat.app_id)
    return Payer(Scene.PHONE, ip)


def _order(order: queries.OrderPage, mine: portal.MyAccounts) -> dict[str, Any]:
    account = next(one for one in mine.accounts if one.account_id == order.account_id)
    return {
        "out_trade_no": order.out_trade_no,
        "account_no": account.account_no,
        "amount_fen": order.amount_fen,
        "state": order.state,
        "expires_at": order.expires_at,
        "receipt_no": order.receipt_no,
        "trouble": order.trouble,
    }


def _receipt(request: Request, receipt_no: str, mine: portal.MyAccounts) -> queries.Receipt:
    return queries.get_receipt(
        receipt_no,
        on=timezone.localdate(),
        account_ids=mine.ids,
        of_all=mine.ids_with(Right.RECEIPTS),
        payer_id=person_of(request),
    )
