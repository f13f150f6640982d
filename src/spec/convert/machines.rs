//! The machines section.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::failure::Failure;

use super::{Context, span};
use crate::spec::cluster::{Emulation, Machines, Network, Provider};
use crate::spec::problems::{MaybeHint as _, did_you_mean};
use crate::spec::raw::{self, ProviderWord};
use crate::spec::read::Placed;

const URI: &str = "qemu:///system";

/// The image where the spec names none.
const IMAGE: &str = "debian-13";

pub fn convert(written: Option<&Placed<raw::Machines>>, context: &mut Context<'_, '_>) -> Machines {
    let empty = raw::Machines::default();
    let machines = written.map_or(&empty, |placed| &placed.value);
    let provider = machines.provider.as_ref().map_or(ProviderWord::Libvirt, |word| word.value.into());
    if provider == ProviderWord::Existing {
        let keys = [
            ("uri", span(machines.uri.as_ref())),
            ("image", span(machines.image.as_ref())),
            ("network", span(machines.network.as_ref())),
            ("ssh", span(machines.ssh.as_ref())),
        ];
        context.meaningless(&keys, "the machines exist");
    }
    Machines {
        network: network(machines.network.as_ref(), context),
        provider: match provider {
            ProviderWord::Existing => Provider::Existing,
            ProviderWord::Libvirt => Provider::Libvirt { uri: uri(machines, context) },
        },
        image: image(machines.image.as_ref().filter(|_| provider == ProviderWord::Libvirt), context),
        emulation: machines.emulation.as_ref().map_or(Emulation::Refuse, |word| word.value.into()),
        authorized_keys: authorized_keys(machines.ssh.as_ref(), context),
    }
}

fn uri(machines: &raw::Machines, context: &mut Context<'_, '_>) -> String {
    let Some(uri) = &machines.uri else { return URI.into() };
    let scheme = uri.split_once("://").map(|(scheme, _)| scheme);
    if !scheme.is_some_and(|scheme| scheme == "test" || scheme == "qemu" || scheme.starts_with("qemu+")) {
        let failure = Failure::invalid(format!("`{}` is no libvirt connection that seedbed can use", uri.value))
            .hint("Write qemu:///system, or qemu+ssh://user@host/system for another machine.");
        context.invalid(uri.span, failure);
    }
    let bridged = matches!(machines.network.as_ref().map(|network| &network.value), Some(raw::Network::Bridge(_)));
    if uri.ends_with("/session") && !bridged {
        let failure = Failure::invalid(format!("`{}` cannot make a network", uri.value))
            .hint("Write qemu:///system, or name an existing bridge: `network: {bridge: br0, addresses: RANGE}`.");
        context.invalid(uri.span, failure);
    }
    uri.value.clone()
}

fn image(written: Option<&Placed<String>>, context: &mut Context<'_, '_>) -> String {
    let Some(image) = written else { return IMAGE.into() };
    let known = &context.known.images;
    if !known.contains(&image.value) {
        let hint = did_you_mean(image, known.iter().map(String::as_str));
        let failure = Failure::invalid(format!("there is no machine image `{}`", image.value)).maybe_hint(hint);
        let own = format!("An image of your own is a file vm-images/{}.yaml beside the spec.", image.value);
        context.invalid(image.span, failure.hint(own));
    }
    image.value.clone()
}

fn network(written: Option<&Placed<raw::Network>>, context: &mut Context<'_, '_>) -> Network {
    let Some(network) = written else { return Network::Auto };
    match &network.value {
        raw::Network::Auto(_) => Network::Auto,
        raw::Network::Range(range) => Network::Range(range.0),
        raw::Network::Bridge(bridge) => {
            context.required(&bridge.given, "bridge", network.span, "the network");
            context.required(&bridge.given, "addresses", network.span, "the network");
            let (Some(name), Some(addresses)) = (&bridge.bridge, &bridge.addresses) else { return Network::Auto };
            if name.is_empty() || name.len() > 15 || name.contains(['/', ' ']) {
                let failure = Failure::invalid(format!("`{}` is no name of a network interface", name.value))
                    .hint("At most 15 characters; `ip link show type bridge` lists the bridges.");
                context.invalid(name.span, failure);
            }
            Network::Bridge { name: name.value.clone(), addresses: addresses.0 }
        }
    }
}

fn authorized_keys(written: Option<&Placed<raw::Ssh>>, context: &mut Context<'_, '_>) -> Vec<String> {
    let keys = written.and_then(|ssh| ssh.authorized_keys.as_ref());
    let mut valid = Vec::new();
    for key in keys.into_iter().flat_map(|keys| &keys.value) {
        match public_key(key) {
            Ok(_) => valid.push(key.trim().to_owned()),
            Err(failure) => context.invalid(key.span, failure),
        }
    }
    valid
}

/// The algorithm of an OpenSSH public key whose encoded part agrees with it.
pub fn public_key(text: &str) -> Result<&str, Failure> {
    let wrong = |why: &str| {
        Err(Failure::invalid(format!("this is no OpenSSH public key: {why}"))
            .hint("Copy the one line of a .pub file, such as ~/.ssh/id_ed25519.pub."))
    };
    if text.contains("PRIVATE KEY") {
        return wrong("it is a private key, which must not be in a spec");
    }
    let mut words = text.split_whitespace();
    let (Some(algorithm), Some(encoded)) = (words.next(), words.next()) else { return wrong("two words are needed") };
    if text.trim().contains('\n') {
        return wrong("it has more than one line");
    }
    let Ok(bytes) = STANDARD.decode(encoded) else { return wrong("its second word is not base64") };
    // RFC 4253, section 6.6: the blob begins with the algorithm's name as a counted string.
    let named = bytes.get(..4).and_then(|head| {
        let length = u32::from_be_bytes(head.try_into().ok()?);
        bytes.get(4..4 + usize::try_from(length).ok()?)
    });
    if named != Some(algorithm.as_bytes()) {
        return wrong(&format!("its second word is no `{algorithm}` key"));
    }
    if algorithm == "ssh-ed25519" && bytes.len() != 51 {
        return wrong("it is cut off");
    }
    Ok(algorithm)
}
