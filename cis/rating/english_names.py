"""Pure: what a published tariff is called in English, from the parts of its Chinese name."""

from __future__ import annotations

PROVINCES: dict[str, str] = {
    "广东（广州）": "Guangdong (Guangzhou)",
    "广东（深圳）": "Guangdong (Shenzhen)",
    "广东（珠三角/惠州）": "Guangdong (Pearl River Delta, Huizhou)",
    "浙江": "Zhejiang",
    "江苏": "Jiangsu",
    "河南": "Henan",
    "北京": "Beijing",
    "四川": "Sichuan",
    "山东": "Shandong",
    "安徽": "Anhui",
    "重庆": "Chongqing",
    "广西": "Guangxi",
    "贵州": "Guizhou",
    "云南": "Yunnan",
    "湖北": "Hubei",
}

TITLES: dict[str, str] = {
    "居民阶梯电价": "residential, tiered",
    "居民阶梯分时电价": "residential, tiered with time of use",
    "合表居民电价": "residential, shared meter",
    "工商业单一制电价": "commercial and industrial, single-part",
    "工商业单一制分时电价": "commercial and industrial, single-part, time of use",
    "工商业单一制不分时电价": "commercial and industrial, single-part, no time of use",
    "工商业两部制电价": "commercial and industrial, two-part",
    "工商业两部制分时电价": "commercial and industrial, two-part, time of use",
    "工商业两部制不分时电价": "commercial and industrial, two-part, no time of use",
}


def english_name(province: str, title: str, voltage: str | None) -> str:
    """Such as `Hubei residential, tiered`; empty where a part has no English, so that the Chinese name is shown."""
    if province not in PROVINCES or title not in TITLES:
        return ""
    level = (voltage or "").replace("及以上", " and above")
    return f"{PROVINCES[province]} {TITLES[title]}" + (f", {level}" if level else "")
