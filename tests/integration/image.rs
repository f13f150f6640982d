//! Images pushed to the real registry, configured as on a control plane, and pulled by the real containerd.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use engine::event::Events;
use seedbed::assets::Assets;
use seedbed::identity::{Identity, RegistryKeys};
use seedbed::registry::{Archive, Image, Name, Registry, Trouble, push};
use serde_json::{Value, json};

use crate::support::programs::program;
use crate::support::served::Served;

#[path = "image/archives.rs"]
mod archives;

use archives::{archive, config, digest, layer, layout, tar_of};

/// More than the client sends in one request.
const LARGE: usize = (16 << 20) + 12_345;

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_pushed_whole_and_a_second_push_sends_nothing() {
    let served = Served::start();
    let (large, small) = (layer(LARGE), layer(1000));
    let (files, manifest) = layout(&[&large, &small], "ghcr.io/seedbed/sample:1.0.0");
    let path = archive(served.directory.path(), "sample.tar", &files);
    let first = served.push(&path, None).await.unwrap();
    assert_eq!(first.image, format!("{}/seedbed/sample:1.0.0", served.name()));
    assert_eq!((first.digest.as_str(), first.uploaded, first.present), (digest(&manifest).as_str(), 3, 0));
    assert!(first.bytes > LARGE as u64);
    assert_eq!(served.get("/v2/seedbed/sample/manifests/1.0.0"), manifest);
    assert!(served.get(&format!("/v2/seedbed/sample/blobs/{}", digest(&large))) == large, "the layer is another");

    let second = served.push(&path, None).await.unwrap();
    assert_eq!((second.uploaded, second.present, second.bytes, second.unchanged), (0, 3, 0, true));
    let tagged = served.push(&path, Some("seedbed/sample:stable")).await.unwrap();
    assert_eq!((tagged.uploaded, tagged.unchanged, &tagged.digest), (0, false, &first.digest));
    assert_eq!(served.get("/v2/seedbed/sample/manifests/stable"), manifest);
    // A layer more: only it, and what names it, is sent.
    let more = layer(2000);
    let (files, _) = layout(&[&large, &small, &more], "seedbed/sample:1.1.0");
    let next = served.push(&archive(served.directory.path(), "next.tar", &files), None).await.unwrap();
    assert_eq!((next.uploaded, next.present), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_and_what_docker_saved_are_the_same_image() {
    let served = Served::start();
    let (one, two) = (layer(5000), layer(6000));
    let (files, manifest) = layout(&[&one, &two, &one], "web:1");
    let folder = served.path("oci");
    for (name, bytes) in &files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let pushed = served.push(&folder, Some("team/web:1")).await.unwrap();
    assert_eq!((pushed.digest.as_str(), pushed.uploaded), (digest(&manifest).as_str(), 3));

    // As before version 25: a layer that was there is a link to it, and the whole is often compressed.
    let config = config(&[&one, &two, &one], "amd64");
    let listed = json!([{"Config": "c.json", "RepoTags": ["localhost:5000/web:2"], "Layers": ["a/layer.tar", "b/layer.tar", "c/layer.tar"]}]);
    let files = [
        ("c.json".to_owned(), config.clone()),
        ("a/layer.tar".to_owned(), one.clone()),
        ("b/layer.tar".to_owned(), two.clone()),
        ("manifest.json".to_owned(), listed.to_string().into_bytes()),
    ];
    let path = served.path("saved.tar.gz");
    let file = std::fs::File::create(&path).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    tar_of(&files, &[("c/layer.tar", "../a/layer.tar")], &mut packed);
    packed.finish().unwrap();
    let pushed = served.push(&path, None).await.unwrap();
    assert_eq!((pushed.image, pushed.uploaded), (format!("{}/web:2", served.name()), 3));
    let manifest: Value = serde_json::from_slice(&served.get("/v2/web/manifests/2")).unwrap();
    let layers: Vec<&str> =
        manifest["layers"].as_array().unwrap().iter().filter_map(|layer| layer["digest"].as_str()).collect();
    assert_eq!(layers, [digest(&one), digest(&two), digest(&one)]);
    assert_eq!(manifest["config"]["digest"], digest(&config));
    assert!(served.get(&format!("/v2/web/blobs/{}", digest(&two))) == two);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authority_and_another_password_are_refused() {
    let served = Served::start();
    served.client().ping().await.unwrap();
    let others = RegistryKeys::make("demo").unwrap();
    let stranger = Registry::new(&served.name(), &others).unwrap().ping().await.unwrap_err();
    assert!(matches!(stranger, Trouble::Untrusted(_)), "{stranger}");
    // The authority of this one with the password of that one.
    let mut keys = serde_json::to_value(&served.keys).unwrap();
    keys["password"] = serde_json::to_value(&others).unwrap()["password"].take();
    let keys: RegistryKeys = serde_json::from_value(keys).unwrap();
    let denied = Registry::new(&served.name(), &keys).unwrap().ping().await.unwrap_err();
    assert_eq!(denied, Trouble::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_down_is_named_and_one_that_comes_back_is_waited_for() {
    let mut served = Served::prepared();
    let down = served.client().ping().await.unwrap_err();
    let failure = down.failure("pushing", &served.name());
    assert!(failure.to_string().contains("it does not answer: "), "{failure}");
    assert!(failure.hints[0].contains("seedbed status"));
    let layer = layer(1000);
    let path = archive(served.directory.path(), "sample.tar", &layout(&[&layer], "sample:1").0);
    let archive = Archive::open(&path).unwrap();
    let image = Image::read(&archive, None).unwrap();
    let (registry, name) = (served.client(), Name::choose(None, image.name.as_deref()).unwrap());
    let step = Events::ignored().step("image push");
    let start = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        tokio::task::block_in_place(|| served.run("true"));
    };
    let (pushed, ()) = tokio::join!(push(&registry, &image, &name, &step), start);
    assert_eq!(pushed.unwrap().uploaded, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_registry_is_named_and_what_was_sent_goes_again() {
    let mut served = Served::prepared();
    served.run("mount -t tmpfs -o size=4m none data");
    let large = layer(6 << 20);
    let path = archive(served.directory.path(), "large.tar", &layout(&[&large], "large:1").0);
    let failure = served.push(&path, None).await.unwrap_err();
    assert_eq!(failure.causes, ["the registry is full"], "{failure}");
    assert!(failure.hints[0].contains("size: SIZE"));
    // Its room is free when the registry has collected its garbage; its file is gone at once.
    let (process, place) = (served.process.as_ref().unwrap().id(), served.path("data"));
    let left = Command::new("find").arg(format!("/proc/{process}/root{}", place.display())).output().unwrap();
    let left = String::from_utf8(left.stdout).unwrap();
    assert!(
        left.contains("/_uploads") && !left.lines().any(|path| path.ends_with("/data") && path.contains("_uploads")),
        "{left}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_archive_is_refused() {
    let served = Served::start();
    let layer = layer(1000);
    let (mut files, _) = layout(&[&layer], "sample:1");
    let place = format!("blobs/{}", digest(&layer).replace(':', "/"));
    let found = files.iter_mut().find(|(name, _)| *name == place).unwrap();
    found.1[700] ^= 1;
    let path = archive(served.directory.path(), "damaged.tar", &files);
    let failure = served.push(&path, None).await.unwrap_err();
    assert!(failure.to_string().contains("it answered 400"), "{failure}");
    files.retain(|(name, _)| *name != place);
    let failure = served.push(&archive(served.directory.path(), "less.tar", &files), None).await.unwrap_err();
    assert!(failure.to_string().contains("is not in it"), "{failure}");
}

/// `seedbed image push`, with the spec and the identity of a cluster.
#[test]
fn the_command_pushes_and_says_what() {
    let mut served = Served::prepared();
    let directory = tempfile::tempdir().unwrap();
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKUEPF1CklvNrZAJqOlJJDDF3uXiTRHZnpKfdVsLAp4K";
    let node = format!("{{name: cp, role: control-plane, address: {}, hostKey: {key}}}", served.address);
    let text = format!("cluster: demo\nmachines: {{provider: existing}}\nnodes: [{node}]\nregistry: embedded\n");
    std::fs::write(directory.path().join("seedbed.yaml"), &text).unwrap();
    let mut identity = Identity::make("demo", ["cp"]).unwrap();
    identity.registry = Some(served.keys.clone());
    let layer = layer(1000);
    let path = archive(served.directory.path(), "sample.tar", &layout(&[&layer], "sample:1").0);
    let run = |image: &str, more: &[&str]| {
        let mut seedbed = Command::new(env!("CARGO_BIN_EXE_seedbed"));
        seedbed.args(["image", "push", image]).args(more).args(["--report", "lines"]).current_dir(directory.path());
        // No docker, wherever the test runs.
        let output = seedbed.env("PATH", "/nowhere").stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let sample = path.display().to_string();
    let (code, _, talk) = run(&sample, &[]);
    assert!(code == 4 && talk.contains("has not been made yet"), "{code}: {talk}");
    let state = directory.path().join(".seedbed/demo");
    identity.save(&state).unwrap();
    served.run("true");
    let (code, out, talk) = run(&sample, &["team/sample:2", "-o", "json"]);
    assert_eq!(code, 0, "{talk}");
    let pushed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(pushed["image"], format!("{}/team/sample:2", served.name()));
    assert_eq!(pushed["digest"], digest(&served.get("/v2/team/sample/manifests/2")));
    let password = serde_json::to_value(&served.keys).unwrap()["password"].as_str().unwrap().to_owned();
    assert!(!talk.contains(&password) && !out.contains(&password));
    let (code, _, talk) = run("sample:1", &[]);
    assert!(code == 3 && talk.contains("there is no file sample:1, and no docker here"), "{code}: {talk}");
    std::fs::write(directory.path().join("seedbed.yaml"), text.replace("registry: embedded\n", "")).unwrap();
    let (code, _, talk) = run(&sample, &[]);
    assert!(
        code == 3 && talk.contains("asks for no registry") && talk.contains("registry: embedded"),
        "{code}: {talk}"
    );
}

/// containerd reads the very file that nodes get.
#[tokio::test(flavor = "multi_thread")]
async fn containerd_pulls_what_was_pushed() {
    let served = Served::start();
    let layer = layer(1000);
    let path = archive(served.directory.path(), "sample.tar", &layout(&[&layer], "sample:1").0);
    let pushed = served.push(&path, None).await.unwrap();
    let (name, place) = (served.name(), served.directory.path().display().to_string());
    let trust = served.path("certs.d").join(&name);
    std::fs::create_dir_all(&trust).unwrap();
    std::fs::write(trust.join("ca.crt"), &served.keys.authority.certificate).unwrap();
    let template = Assets::embedded().read("templates/registry-hosts.toml").unwrap();
    let hosts = template.text().unwrap().replace("{{ registry_name }}", &name);
    let hosts = hosts.replace("{{ registry_authorization }}", &served.keys.authorization());
    std::fs::write(trust.join("hosts.toml"), hosts.replace("/etc/containerd", &place)).unwrap();
    served.write(
        "containerd.toml",
        &format!(
            "version = 3\nroot = '{place}/root'\nstate = '{place}/state'\n\
             disabled_plugins = ['io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images', 'io.containerd.cri.v1.runtime', 'io.containerd.nri.v1.nri']\n\
             [grpc]\naddress = '{place}/containerd.sock'\n[ttrpc]\naddress = '{place}/ttrpc.sock'\n"
        ),
    );
    let log = std::fs::File::create(served.path("containerd.log")).unwrap();
    let mut containerd = Command::new(program("containerd"));
    let containerd = containerd.arg("--config").arg(served.path("containerd.toml")).stderr(log).spawn().unwrap();
    let _containerd = Killed(containerd);
    let image = format!("{name}/sample:1");
    let deadline = Instant::now() + Duration::from_secs(120);
    let said = loop {
        let mut ctr = Command::new(program("ctr"));
        ctr.arg("--address").arg(served.path("containerd.sock")).args(["content", "fetch", "--hosts-dir"]);
        let output = ctr.arg(served.path("certs.d")).arg(&image).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if output.status.success() {
            break said;
        }
        // Its socket is not there yet.
        assert!(Instant::now() < deadline && said.contains("containerd.sock"), "{said}");
        std::thread::sleep(Duration::from_millis(200));
    };
    assert!(said.contains(&pushed.digest) && said.contains(&digest(&layer)), "{said}");
}

struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
