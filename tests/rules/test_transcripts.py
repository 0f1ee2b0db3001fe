"""The rules of the doors, one scene each, played from the transcripts beside this file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.acts import act
from tests.rules.transcripts import Scene, open_stage, read_scenes

SCENES = [scene for path in sorted(Path(__file__).parent.glob("transcripts/*.txt")) for scene in read_scenes(path)]


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_a_scene_goes_as_written(scene: Scene) -> None:
    """What the scene's first line promises is what happens, line by line."""
    stage = open_stage(scene)
    for line in scene.lines:
        try:
            stage.perform(line, act)
        except AssertionError as failure:
            failure.add_note(f"at: {line}")
            raise


def test_scenes_have_names_of_their_own() -> None:
    """No rule is played twice under one name, so that a failing test names one scene."""
    names = [scene.name for scene in SCENES]
    assert len(set(names)) == len(names)
