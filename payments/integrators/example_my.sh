#!/bin/sh
# BASE=https://…  CODE=what-wx.login-gave  ACCOUNT=4290000001  sh example_my.sh
set -eu

token=$(curl -sS -X POST -H "Content-Type: application/json" -d "{\"code\":\"$CODE\"}" "$BASE/api/v1/my/sessions" |
    sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')

call() { # METHOD PATH
    curl -sS -X "$1" -H "Authorization: Bearer $token" "$BASE/api/v1/my/$2"
    echo
}

call GET accounts
call GET "accounts/$ACCOUNT/balance"
call GET "accounts/$ACCOUNT/bills?limit=2"
call DELETE sessions/current
call GET accounts
