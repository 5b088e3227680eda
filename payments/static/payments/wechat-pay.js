/*
 * Inside WeChat: open its own payment window with the values that the page carries, then go to the order.
 * Whatever the window says, the order's page asks our own books.
 */
(() => {
  "use strict";
  const place = document.querySelector("[data-wechat-pay]");
  if (!place) return;
  const said = place.dataset;
  const open = () =>
    window.WeixinJSBridge.invoke(
      "getBrandWCPayRequest",
      {
        appId: said.appid,
        timeStamp: said.timestamp,
        nonceStr: said.noncestr,
        package: said.package,
        signType: said.signtype,
        paySign: said.paysign,
      },
      () => window.location.assign(said.then),
    );
  if (window.WeixinJSBridge) open();
  else document.addEventListener("WeixinJSBridgeReady", open, { once: true });
})();
