"""Keys of names."""

from __future__ import annotations

import pytest

from config.shared.names import grams, grams_to_find, name_keys


class TestNameKeys:
    """A surname has its own reading; the rest is the dictionary's."""

    @pytest.mark.parametrize(
        ("name", "pinyin", "initials"),
        [
            ("曾国藩", "zeng guo fan", "zgf"),
            ("单小明", "shan xiao ming", "sxm"),
            ("解珍", "xie zhen", "xz"),
            ("仇英", "qiu ying", "qy"),
            ("区大伟", "ou da wei", "odw"),
            ("查良镛", "zha liang yong", "zly"),
            ("欧阳娜", "ou yang na", "oyn"),
            ("尉迟恭", "yu chi gong", "ycg"),
            ("张三", "zhang san", "zs"),
        ],
    )
    def test_people_are_read_by_their_surname(self, name: str, pinyin: str, initials: str) -> None:
        keys = name_keys(name, is_person=True)

        assert (keys.pinyin, keys.initials) == (pinyin, initials)

    def test_an_enterprise_has_no_surname(self) -> None:
        assert name_keys("单县供水公司", is_person=False).initials[1:] == "xgsgs"
        assert name_keys("解放路小学", is_person=False).pinyin.startswith("jie fang")

    def test_grams_hold_every_character_and_every_pair_of_neighbours(self) -> None:
        assert grams("张三丰") == ("张", "三", "丰", "张三", "三丰")

    def test_width_case_and_spaces_do_not_matter(self) -> None:
        assert grams("ＡＢ 公司") == grams("ab公司")

    def test_what_is_looked_for_is_pairs_of_each_word_or_a_lone_character(self) -> None:
        assert grams_to_find("桂苑路 1号") == ("桂苑", "苑路", "1号")
        assert grams_to_find("张") == ("张",)

    def test_rare_characters_and_empty_text_do_no_harm(self) -> None:
        assert name_keys("李龘", is_person=True).grams == ("李", "龘", "李龘")
        assert name_keys("", is_person=True).initials == ""
