#!/bin/sh
# BASE=https://…  CLIENT=icbc  KEY=k_…  PRIVATE=private.pem  ACCOUNT=4290000001  sh example.sh
set -eu

call() { # METHOD TARGET BODY IDEMPOTENCY-KEY
    now=$(date +%s)
    nonce=$(openssl rand -hex 16)
    signature=$(printf '%s\n%s\n%s\n%s\n%s\n' "$1" "$2" "$now" "$nonce" "$3" |
        openssl dgst -sha256 -sign "$PRIVATE" | openssl base64 -A)
    method=$1 target=$2 body=$3 key=$4
    set -- -H "Authorization: DAYINGXIAO-RSA2048-SHA256 client=\"$CLIENT\",key=\"$KEY\",nonce=\"$nonce\",timestamp=\"$now\",signature=\"$signature\""
    if [ "$method" = POST ]; then
        set -- "$@" -H "Content-Type: application/json" -H "Idempotency-Key: $key" --data-binary "$body"
    fi
    curl -sS -X "$method" "$@" "$BASE$target"
    echo
}

serial="T$(date +%s)"
day=$(TZ=Asia/Shanghai date +%Y-%m-%d)

call GET "/api/v1/channel/accounts/$ACCOUNT/bills" "" ""
call POST /api/v1/channel/payments \
    "{\"channel_serial\":\"$serial\",\"bank_date\":\"$day\",\"account_no\":\"$ACCOUNT\",\"amount_fen\":100}" "$serial"
call GET "/api/v1/channel/payments/$serial" "" ""
call POST "/api/v1/channel/payments/$serial/reversals" \
    "{\"reversal_serial\":\"R$serial\",\"bank_date\":\"$day\",\"reason\":\"example\"}" "R$serial"
