//! Pools and volumes.

use uuid::Uuid;

use crate::machine::image::Format;
use crate::machine::xml::{Element, element};

/// A directory pool.
pub fn pool(name: &str, uuid: Uuid, path: &str) -> Element {
    element("pool")
        .set("type", "dir")
        .with(element("name").text(name))
        .with(element("uuid").text(uuid))
        .with(element("target").with(element("path").text(path)))
}

/// A volume whose content is sent afterwards. Nothing is allocated before.
pub fn plain_volume(name: &str, bytes: u64) -> Element {
    volume(name, bytes).with(element("target").with(element("format").set("type", "raw")))
}

/// A copy-on-write volume over a base image.
pub fn overlay(name: &str, bytes: u64, base: &str, format: Format) -> Element {
    let backing =
        element("backingStore").with(element("path").text(base)).with(element("format").set("type", format.name()));
    volume(name, bytes).with(element("target").with(element("format").set("type", "qcow2"))).with(backing)
}

fn volume(name: &str, bytes: u64) -> Element {
    element("volume")
        .with(element("name").text(name))
        .with(element("allocation").set("unit", "bytes").text(0))
        .with(element("capacity").set("unit", "bytes").text(bytes))
}
