"""Pure: a fictitious city on the Jianghan plain: organisation, network, streets and villages, addresses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PROVINCE = "国网湖北省电力有限公司（演示）"
CITY = "江汉市供电公司"
CITY_NAME = "江汉市"


@dataclass(frozen=True)
class County:
    """One of the city's counties, with what lies in it."""

    code: str
    name: str
    name_en: str
    halls: tuple[tuple[str, str], ...]
    stations: tuple[tuple[str, str], ...]
    substations: tuple[str, ...]
    streets: tuple[str, ...]
    estates: tuple[str, ...]
    villages: tuple[str, ...]
    longitude: float
    latitude: float
    share: float


COUNTIES = (
    County(
        code="429901",
        name="东湖区",
        name_en="Donghu District",
        halls=(("东湖中心营业厅", "Donghu Central Hall"), ("桂花路营业厅", "Guihua Road Hall")),
        stations=(("东湖供电所", "Donghu Station"), ("柏泉供电所", "Baiquan Station")),
        substations=("110kV东湖变", "110kV桂花变"),
        streets=("桂花路", "建设大道", "楚风路", "文昌街", "滨湖东路", "解放路", "长虹路", "育才路"),
        estates=("桂苑小区", "东湖花园", "楚风雅居", "文昌新村", "滨湖国际", "电力家属院", "长虹苑"),
        villages=("柏泉村", "石桥村", "新河村"),
        longitude=112.86,
        latitude=30.62,
        share=0.6,
    ),
    County(
        code="429902",
        name="临江县",
        name_en="Linjiang County",
        halls=(("临江县营业厅", "Linjiang Hall"),),
        stations=(("城关供电所", "Chengguan Station"), ("沙洋湾供电所", "Shayangwan Station")),
        substations=("110kV临江变",),
        streets=("沿江大道", "城关正街", "人民路", "码头路", "迎宾路"),
        estates=("沿江小区", "城关新苑", "码头花园", "锦绣临江"),
        villages=("沙洋湾村", "杨家垸村", "周家台村", "黄金口村", "白鹭湖村"),
        longitude=113.21,
        latitude=30.41,
        share=0.4,
    ),
)


@dataclass(frozen=True, slots=True)
class Address:
    """The standard part, the door, and where it is; `cluster` is shared by neighbours behind one transformer."""

    text: str
    door: str
    longitude: float
    latitude: float
    cluster: int


def clusters(county: County) -> int:
    """How many groups of neighbours a county has: one for each estate, village and street."""
    return len(county.estates) + len(county.villages) + len(county.streets)


def estate_address(county: County, rng: np.random.Generator) -> Address:
    """A flat in an estate."""
    place = int(rng.integers(len(county.estates)))
    street = county.streets[place % len(county.streets)]
    building, unit = int(rng.integers(1, 31)), int(rng.integers(1, 4))
    floor, flat = int(rng.integers(1, 19)), int(rng.integers(1, 5))
    text = f"{CITY_NAME}{county.name}{street}{20 + 8 * place}号{county.estates[place]}"
    return _at(county, text, f"{building}栋{unit}单元{floor}{flat:02d}室", place, rng)


def village_address(county: County, rng: np.random.Generator) -> Address:
    """A house in a village."""
    place = int(rng.integers(len(county.villages)))
    text = f"{CITY_NAME}{county.name}{county.villages[place]}{int(rng.integers(1, 13))}组"
    return _at(county, text, f"{int(rng.integers(1, 90))}号", len(county.estates) + place, rng)


def street_address(county: County, rng: np.random.Generator) -> Address:
    """A shop, an office or a works on a street."""
    place = int(rng.integers(len(county.streets)))
    text = f"{CITY_NAME}{county.name}{county.streets[place]}{int(rng.integers(1, 400))}号"
    cluster = len(county.estates) + len(county.villages) + place
    return _at(county, text, f"{int(rng.integers(1, 6))}层", cluster, rng)


def _at(county: County, text: str, door: str, cluster: int, rng: np.random.Generator) -> Address:
    angle, distance = 2.4 * cluster, 0.012 + 0.006 * cluster
    east, north = rng.normal(0, 0.0025, 2)
    return Address(
        text=text,
        door=door,
        longitude=round(county.longitude + distance * float(np.cos(angle)) + float(east), 6),
        latitude=round(county.latitude + distance * float(np.sin(angle)) + float(north), 6),
        cluster=cluster,
    )
