//! A machine from which pieces are taken away one by one: `flyball doctor` names exactly that piece, with the command that mends
//! it, and nothing else; `flyball run` does not start and says the same.
//!
//! Needs what `make setup` fetches; says so aloud and passes when it is not there.
#![cfg(all(feature = "cli", feature = "media", feature = "ort", feature = "cuda", feature = "zenoh"))]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod doctor_support;
mod support;

use std::{fs, net::TcpListener};

use doctor_support::{Machine, NEEDED, PLUGINS, WEBRTC_PLUGINS};
use support::{MISSING, is_there, text};

/// Exit codes of `flyball doctor`.
const WELL: i32 = 0;
const ADVICE: i32 = 1;
const CANNOT_RUN: i32 = 2;

/// Exactly one piece is named, with this health and this mending command.
fn only(machine: &Machine, name: &str, health: &str, mend: &str, code: i32) {
    let (complaints, found) = machine.complaints();
    let [one] = complaints.as_slice() else { panic!("{name} alone should be named: {complaints:#?}") };
    assert_eq!((one.name.as_str(), one.health.as_str()), (name, health), "{one:?}");
    assert!(one.mend.contains(mend), "{one:?} does not say {mend:?}");
    assert_eq!(found, code, "{one:?}");
}

#[test]
fn a_machine_with_everything_has_no_complaints() {
    if is_there(NEEDED) {
        let (complaints, code) = Machine::new().complaints();
        assert!(complaints.is_empty() && code == WELL, "{code} {complaints:#?}");
    }
}

/// Each plugin in turn (the core's own elements too); the package that brings it is what is missing.
#[test]
fn a_missing_plugin_is_its_package() {
    if !is_there(NEEDED) {
        return;
    }
    for (file, package) in PLUGINS.iter().filter(|(_, package)| !package.is_empty()) {
        let machine = Machine::new().without_plugin(file);
        only(&machine, package, "missing", &format!("apt-get install {package}"), CANNOT_RUN);
    }
}

/// The same for each plugin of WebRTC, for a camera that a browser sends to.
#[test]
fn a_missing_plugin_of_webrtc_is_its_package() {
    if !is_there(NEEDED) {
        return;
    }
    let camera = "[[camera]]\nid = \"browser\"\nsource = { whip = {} }\n[server]\nlisten = \"127.0.0.1:0\"\n";
    for (file, package) in WEBRTC_PLUGINS {
        let machine = Machine::with(camera).without_plugin(file);
        only(&machine, package, "missing", &format!("apt-get install {package}"), CANNOT_RUN);
    }
}

#[test]
fn rtsps_needs_a_tls_library() {
    if !is_there(NEEDED) {
        return;
    }
    let camera = |scheme| format!("[[camera]]\nid = \"far\"\nsource = {{ rtsp = \"{scheme}://127.0.0.1/live\" }}\n");
    let machine = Machine::with(&camera("rtsps")).without_tls();
    only(&machine, "glib-networking", "missing", "apt-get install glib-networking", CANNOT_RUN);
    let (complaints, _) = Machine::with(&camera("rtsp")).without_tls().complaints();
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[test]
fn a_runtime_that_is_absent_old_bad_or_none_at_all() {
    if !is_there(NEEDED) {
        return;
    }
    let absent = Machine::new();
    let nowhere = absent.place.path("nowhere");
    only(&absent.with_runtime_at(nowhere), "ONNX Runtime", "missing", "make setup", CANNOT_RUN);
    only(&Machine::new().with_runtime("1.24.4"), "ONNX Runtime", "outdated", "make setup", ADVICE);
    only(&Machine::new().with_runtime("1.19.2"), "ONNX Runtime", "incompatible", "make setup", CANNOT_RUN);
    only(&Machine::new().with_runtime("1.27.0"), "ONNX Runtime", "incompatible", "make setup", CANNOT_RUN);
    let odd = Machine::new();
    let file = odd.place.write("libonnxruntime.so.9", "this is no library");
    only(&odd.with_runtime_at(file), "ONNX Runtime", "error", "make setup", CANNOT_RUN);
}

#[test]
fn a_model_that_is_missing_changed_cut_or_without_terms() {
    if !is_there(NEEDED) {
        return;
    }
    let weights = "models/yunet/yunet.onnx";
    let missing = Machine::new();
    missing.remove(weights);
    only(&missing, "yunet", "missing", "make setup", CANNOT_RUN);

    let cut = Machine::new();
    fs::write(cut.place.path(weights), "short").unwrap();
    only(&cut, "yunet", "error", "make setup", CANNOT_RUN);

    let changed = Machine::new();
    let mut bytes = fs::read(changed.place.path(weights)).unwrap();
    bytes[1000] ^= 1;
    fs::write(changed.place.path(weights), bytes).unwrap();
    only(&changed, "yunet", "error", "make setup", CANNOT_RUN);

    let unstated = Machine::new();
    unstated.rewrite("models/yunet/model.toml", "weights = \"MIT\"", "weights = \"\"");
    only(&unstated, "yunet", "error", "flyball models licences", CANNOT_RUN);
}

#[test]
fn missing_footage_is_advice() {
    if is_there(NEEDED) {
        let machine = Machine::new();
        machine.remove("clip.mp4");
        only(&machine, "clip.mp4", "missing", "clip.mp4", ADVICE);
    }
}

#[test]
fn a_taken_port_names_who_to_ask() {
    if !is_there(NEEDED) {
        return;
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let endpoint = format!("tcp/127.0.0.1:{port}");
    let machine = Machine::with(&format!("[events.zenoh]\nlisten = [\"{endpoint}\"]\n"));
    only(&machine, &endpoint, "error", &format!("ss -ltnp 'sport = :{port}'"), CANNOT_RUN);
}

/// A router that does not answer stops a client; a peer tries again for as long as it takes.
#[test]
fn a_router_that_is_not_there() {
    if !is_there(NEEDED) {
        return;
    }
    let endpoint = format!("tcp/127.0.0.1:{}", support::free_port());
    for (mode, code) in [("client", CANNOT_RUN), ("peer", ADVICE)] {
        let machine = Machine::with(&format!("[events.zenoh]\nmode = \"{mode}\"\nconnect = [\"{endpoint}\"]\n"));
        only(&machine, &endpoint, "error", "nc -vz 127.0.0.1", code);
    }
}

/// With `device = "auto"` an old driver only leaves the GPU idle; with `cuda:0` it cannot run. What stands on the driver is not
/// complained about beside it.
#[test]
fn an_old_driver_is_named_and_not_what_stands_on_it() {
    if !is_there(NEEDED) {
        return;
    }
    for (device, code) in [("auto", ADVICE), ("cuda:0", CANNOT_RUN)] {
        let machine = Machine::new().with_driver("470.42.01");
        machine.rewrite("deployment.toml", "device = \"cpu\"", &format!("device = \"{device}\""));
        only(&machine, "NVIDIA driver", "incompatible", "nvidia-driver", code);
    }
}

#[test]
fn a_gpu_asked_for_by_number_needs_a_driver_and_a_runtime_built_for_it() {
    if !is_there(NEEDED) {
        return;
    }
    let on_gpu = |machine: Machine| {
        machine.rewrite("deployment.toml", "device = \"cpu\"", "device = \"cuda:0\"");
        machine
    };
    only(&on_gpu(Machine::new()), "NVIDIA driver", "missing", "nvidia-driver", CANNOT_RUN);
    let old = on_gpu(Machine::new().with_driver("535.54.03"));
    only(&old, "CUDA provider", "missing", "make setup-gpu12", CANNOT_RUN);
    let new = on_gpu(Machine::new().with_driver("580.82.07"));
    only(&new, "CUDA provider", "missing", "make setup-gpu13", CANNOT_RUN);
}

/// A deployment without networks, files or listeners needs next to nothing of all that.
#[test]
fn only_what_a_deployment_needs_is_looked_at() {
    if !is_there(NEEDED) {
        return;
    }
    let machine = Machine::new().without_plugin("libgstlibav.so");
    machine.remove("models/yunet/yunet.onnx");
    let camera = support::synthetic(1);
    let light = machine.place.light_deployment(&[("made-up", &camera)], "");
    let output = machine.command(&["doctor", text(&light)]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(WELL), "{said}");
    assert!(said.contains("all is well"), "{said}");
}

#[test]
fn a_run_does_not_start_on_a_fatal_finding_unless_told() {
    if !is_there(NEEDED) {
        return;
    }
    let machine = Machine::new().without_plugin("libgstlibav.so");
    let deployment = text(&machine.deployment);
    let refused = machine.command(&["run", deployment, "--plain"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(MISSING), "{said}");
    assert!(said.contains("mend it with `apt-get install gstreamer1.0-libav`"), "{said}");
    let told = machine.command(&["run", deployment, "--plain", "--no-doctor"]).output().unwrap();
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(!said.contains("mend it with"), "it went on, and failed for its own reasons: {said}");
}

#[test]
fn a_run_does_not_load_a_runtime_that_cannot_serve() {
    if !is_there(NEEDED) {
        return;
    }
    let machine = Machine::new().with_runtime("1.19.2");
    let refused = machine.command_inside(&["run", text(&machine.deployment), "--plain"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(MISSING), "{said}");
    assert!(said.contains("1.19.2") && said.contains("mend it with `make setup`"), "{said}");
}
