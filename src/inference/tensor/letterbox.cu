// An NV12 frame into one item of a batch: letterbox, colour and normalisation together, one thread an output pixel.
//
// The same arithmetic in the same order as the CPU's rows (resize.rs, rows.rs, color.rs): half-pixel centres with clamping at
// the edges, luma and chroma interpolated at their own resolution, rows blended in 1/256, results rounded to whole levels
// before they are normalised. Compile without contracting multiply-adds (--fmad=false, -ffp-contract=off).
//
// tests/cuda_letterbox.rs compiles this very file as C++ and holds it against the CPU.

// Four-byte fields only, in the order of `Letterbox` in letterbox.rs.
struct Letterbox {
    int frame_w, frame_h, luma_stride, chroma_stride;
    int source_x, source_y, source_w, source_h;
    int target_x, target_y, target_w, target_h;
    int input_w, input_h;
    int bgr, gray;
    float y, rv, gu, gv, bu;
    float offset[3];
    float scale[3], bias[3];
    float pad;
};

struct Tap {
    int near, far;
    float weight;
};

// Where output `at` of `to` falls along one axis, in samples of the plane.
__device__ static Tap tap(int from, int length, int to, int at, int samples, bool halved) {
    double pixel = from + (at + 0.5) * length / to - 0.5;
    pixel = fmin(fmax(pixel, (double)from), from + length - 1.0);
    double place = halved ? pixel / 2.0 - 0.25 : pixel;
    place = fmin(fmax(place, 0.0), samples - 1.0);
    double whole = floor(place);
    Tap found;
    found.near = (int)whole;
    found.far = found.near + 1 < samples ? found.near + 1 : samples - 1;
    found.weight = (float)(place - whole);
    return found;
}

// Two rows at one column, sample times 256.
__device__ static float blended(const unsigned char* plane, int stride, Tap rows, int column) {
    int weight = (int)roundf(rows.weight * 256.0f);
    int near = plane[rows.near * stride + column];
    int far = plane[rows.far * stride + column];
    return (float)(near * (256 - weight) + far * weight);
}

__device__ static float sample(const unsigned char* plane, int stride, Tap rows, Tap columns, int lanes, int lane) {
    float a = blended(plane, stride, rows, columns.near * lanes + lane);
    float b = blended(plane, stride, rows, columns.far * lanes + lane);
    return a + (b - a) * columns.weight;
}

__device__ static float level(float value) {
    return rintf(fminf(fmaxf(value, 0.0f), 255.0f));
}

extern "C" __global__ void nv12_letterbox(const unsigned char* luma, const unsigned char* chroma, float* out, Letterbox p) {
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= p.input_w || y >= p.input_h) {
        return;
    }
    int each = p.input_w * p.input_h;
    int place = y * p.input_w + x;
    int column = x - p.target_x;
    int row = y - p.target_y;
    float rgb[3] = {p.pad, p.pad, p.pad};
    if (column >= 0 && row >= 0 && column < p.target_w && row < p.target_h) {
        int half_w = (p.frame_w + 1) / 2;
        int half_h = (p.frame_h + 1) / 2;
        Tap across = tap(p.source_x, p.source_w, p.target_w, column, p.frame_w, false);
        Tap down = tap(p.source_y, p.source_h, p.target_h, row, p.frame_h, false);
        Tap across_half = tap(p.source_x, p.source_w, p.target_w, column, half_w, true);
        Tap down_half = tap(p.source_y, p.source_h, p.target_h, row, half_h, true);
        float l = sample(luma, p.luma_stride, down, across, 1, 0);
        float u = sample(chroma, p.chroma_stride, down_half, across_half, 2, 0);
        float v = sample(chroma, p.chroma_stride, down_half, across_half, 2, 1);
        rgb[0] = level(p.y * l + p.rv * v + p.offset[0]);
        rgb[1] = level(p.y * l + p.gu * u + p.gv * v + p.offset[1]);
        rgb[2] = level(p.y * l + p.bu * u + p.offset[2]);
        if (p.gray) {
            rgb[0] = rintf(rgb[0] * 0.299f + rgb[1] * 0.587f + rgb[2] * 0.114f);
        }
    }
    if (p.gray) {
        out[place] = rgb[0] * p.scale[0] + p.bias[0];
        return;
    }
    for (int c = 0; c < 3; c++) {
        int plane = p.bgr ? 2 - c : c;
        out[plane * each + place] = rgb[c] * p.scale[c] + p.bias[c];
    }
}
