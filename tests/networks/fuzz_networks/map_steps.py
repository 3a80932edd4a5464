"""Steps on feature maps, N x C x H x W."""


def convolution(w):
    c = w.form.channels
    groups = w.pick(1, 1, 1, c)
    out = c * w.pick(1, 2) if groups == c else w.pick(4, 6, 8)
    same = w.chance(0.25)
    padding = "'same'" if same else w.pick("0", "1", "2", "(1, 0)", "'valid'")
    stride = 1 if same else w.pick(1, 1, 2)
    mode = w.pick("zeros", "zeros", "zeros", "reflect", "circular", "replicate")
    m = w.module(f"nn.Conv2d({c}, {out}, {w.pick(1, 3, 3, (1, 3), 2)}, stride={stride}, "
                 f"padding={padding}, dilation={w.pick(1, 1, 2)}, groups={groups}, "
                 f"bias={w.chance(0.5)}, padding_mode='{mode}')")
    w.line(f"x = {m}(x)")


def transposed_convolution(w):
    c, stride = w.form.channels, w.pick(1, 2)
    m = w.module(f"nn.ConvTranspose2d({c}, {w.pick(4, 6)}, {w.pick(2, 3)}, stride={stride}, "
                 f"padding={w.pick(0, 1)}, output_padding={w.pick(0, stride - 1)}, "
                 f"groups={w.pick(1, 1, 2)}, bias={w.chance(0.5)})")
    w.line(f"x = {m}(x)")


def convolution_1d(w):
    c, (_, h, v) = w.form.channels, w.form.sizes
    kind = w.pick("Conv1d", "ConvTranspose1d")
    padding = w.pick("1", "'same'") if kind == "Conv1d" else "1"
    m = w.module(f"nn.{kind}({c}, {c}, 3, padding={padding}, groups={w.pick(1, c)})")
    w.line(f"x = {m}(x.flatten(2)).view({w.pick('x.shape[0]', 'x.size(0)', '-1')}, {c}, {h}, {v})")


def convolution_3d(w):
    c = w.form.channels
    kind = w.pick("Conv3d", "ConvTranspose3d")
    padding = w.pick("1", "'same'") if kind == "Conv3d" else "1"
    m = w.module(f"nn.{kind}({c}, {w.pick(4, c)}, 3, padding={padding})")
    w.line(f"x = {m}(x.unsqueeze(2)).squeeze(2)")


def functional_convolution(w):
    c = w.form.channels
    p = w.parameter(f"torch.randn(6, {c}, 3, 3) * 0.2", requires_grad=w.chance(0.7))
    weight = w.pick(p, f"({p} - {p}.mean([1, 2, 3], True))", f"F.normalize({p}.flatten(1), dim=1)"
                    f".view({p}.shape[0], {c}, 3, 3)", f"({p} * 0.5)")
    w.line(f"x = F.conv2d(x, {weight}, None, 1, 1)")


def batch_norm(w):
    c = w.form.channels
    m = w.module(f"nn.BatchNorm2d({c}, affine={w.chance(0.8)}, momentum={w.pick(0.1, 0.3, None)})")
    w.line(f"x = {m}(x)")


def functional_batch_norm(w):
    c = w.form.channels
    mean, var = w.buffer(f"torch.randn({c}) * 0.1"), w.buffer(f"torch.rand({c}) + 0.5")
    w.line(f"x = F.batch_norm(x, {mean}, {var}, training=NORM{w.pick(0, 1, 2)})")


def batch_norm_of_the_batch(w):
    m = w.module(f"nn.BatchNorm2d({w.form.channels}, track_running_stats=False)")
    w.line(f"x = {m}(x)")
    w.step.refusable = True


def other_norm(w):
    c = w.form.channels
    m = w.module(w.pick(f"nn.InstanceNorm2d({c}, affine={w.chance(0.5)})",
                        f"nn.GroupNorm({w.pick(1, 2, c)}, {c}, affine={w.chance(0.8)})",
                        "nn.LocalResponseNorm(3)", f"nn.LayerNorm({list(w.form.sizes)})"))
    w.line(f"x = {m}(x)")


def tracking_instance_norm(w):
    m = w.module(f"nn.InstanceNorm2d({w.form.channels}, track_running_stats=True)")
    w.line(f"x = {m}(x)")


def activation(w):
    name = w.pick("ReLU(inplace=True)", "ReLU()", "SiLU()", "SiLU(inplace=True)", "GELU()",
                  "GELU(approximate='tanh')", "Hardswish(inplace=True)", "ReLU6()", "ELU()", "CELU()",
                  "LeakyReLU(0.2)", "Softplus()", "Mish()", "Hardsigmoid()", "Tanh()", "Softsign()",
                  "Identity()", "Softmax(dim=1)", "Softmax2d()", "LogSigmoid()", "Threshold(0.1, 0.0)")
    w.line(f"x = {w.module('nn.' + name)}(x)")


def learned_activation(w):
    w.line(f"x = {w.module(f'nn.PReLU({w.pick(1, w.form.channels)})')}(x)")


def arithmetic(w):
    w.line("x = " + w.pick(
        "x * x.shape[1] ** -0.5", "(x + 3).clamp(0, 6) / 6 * x", "x * torch.sigmoid(x)",
        "torch.where(x > 0, x, 0.1 * x)", "F.glu(torch.cat([x, x * 0.5], 1), 1)", "x.exp().log1p()",
        "x.masked_fill(x < -1, -1.0)", "x / (x.abs().amax([1, 2, 3], keepdim=True) + 1e-3)",
        "torch.addcmul(x, x, x, value=0.1)", "1.0 - x", "torch.lerp(x, x * x, 0.3)",
        "(x * x + 0.01).sqrt()", "F.normalize(x, dim=1)", "x.pow(2) * 0.5", "x.float()",
        "torch.cumsum(x, 2) * 0.1", "x - x.mean(1, keepdim=True)", "x * float(x.size(2)) / 10",
        "x.sort(1)[0]", "x.std([2, 3], keepdim=True) + x", "torch.maximum(x, -x)",
        "x * (x > 0)", "x * (x > 0).to(x.dtype)", "torch.atan2(x, x * x + 1)", "x.neg().neg()",
        "torch.logsumexp(torch.stack([x, x * 0.5]), 0)", "x.softmax(1) * x", "x.clone()",
        "torch.addcdiv(x, x, x * x + 1.0)", "x.tanh() if x.shape[1] > 5 else x.sigmoid()"))


def in_place(w):
    w.line(w.pick("x += 1.0", "x *= 0.5", "x = x.mul_(0.7)", "x.add_(0.1)", "x.clamp_(-2, 2)",
                  "x = F.relu_(x)", "x = F.hardtanh_(x)", "x.sigmoid_()", "x.sub_(x * 0.5)",
                  "x.masked_fill_(x > 1, 1.0)", "x /= 2", "x = F.leaky_relu_(x, 0.1)", "x.neg_()",
                  "x = x.exp_().log1p_()", "x.copy_(x * 0.5)", "x = F.silu(x, inplace=True)",
                  "x.div_(2.0).add_(x)", "x.pow_(2)"))
    if w.saved and w.chance(0.3):
        w.line(f"x = x + 0 * {next(iter(w.saved))}.mean()")


def write_into_a_view(w):
    c = w.form.channels
    view = w.pick("x[:, 0]", f"x[:, 1:{c}]", "x[:, ::2]", "x.flatten(2)", "x.transpose(2, 3)",
                  "x.narrow(1, 0, 2)", "x.chunk(2, 1)[0]", "x[..., 0]", "x.view(x.shape[0], -1)")
    if w.chance(0.3):
        w.line("x = x.clone()")
    w.line(w.pick(f"{view}.mul_(0.5)", f"{view}.zero_()", f"y = {view}\ny.add_(1.0)"
                  .replace("\n", "\n        "), f"{view}.relu_()"))
    w.step.refusable = True


def assign_to_a_part(w):
    w.line(w.pick("x[:, 0] = 0.0", "x[:, 1:] = x[:, 1:] * 0.5", "x[:, :2] = 1.0",
                  "x[..., 0] = x[..., 1]", "x[:, ::2] += 0.5"))
    w.step.refusable = True


def pool(w):
    name = w.pick("MaxPool2d(2)", "MaxPool2d(3, 2, 1)", "MaxPool2d(3, 2, ceil_mode=True)",
                  "AvgPool2d(2)", "AvgPool2d(3, 2, 1, count_include_pad=False)", "LPPool2d(2, 2)",
                  "AvgPool2d(2, ceil_mode=True)", "AdaptiveAvgPool2d(5)", "AdaptiveMaxPool2d((4, 3))",
                  "MaxPool2d(2, dilation=2)", "AdaptiveAvgPool2d((None, 4))")
    w.line(f"x = {w.module('nn.' + name)}(x)")


def resample(w):
    w.line("x = " + w.pick(
        "F.interpolate(x, scale_factor=2.0)", "F.interpolate(x, size=(6, 7), mode='bilinear')",
        "F.interpolate(x, size=x.shape[2:], mode='bilinear', align_corners=True)",
        "F.interpolate(x, size=(5, 5), mode='bicubic')", "F.interpolate(x, size=(6, 6), mode='area')",
        "F.interpolate(x, scale_factor=0.5, mode='bilinear', antialias=True)",
        "F.interpolate(x, size=(7, 5), mode='nearest-exact')"))


def sample_grid(w):
    theta = w.parameter("torch.eye(2, 3) + 0.1 * torch.randn(2, 3)")
    w.line(f"grid = F.affine_grid({theta}.expand(x.shape[0], -1, -1), [x.size(0), x.size(1), "
           "x.size(2), x.size(3)], align_corners=False)")
    w.line(f"x = F.grid_sample(x, grid, mode='{w.pick('bilinear', 'bicubic')}', "
           f"padding_mode='{w.pick('zeros', 'border')}', align_corners=False)")


def pad(w):
    w.line("x = " + w.pick("F.pad(x, (1, 1, 1, 1))", "F.pad(x, (0, 1, 2, 0), value=0.5)",
                           "F.pad(x, (1, 1, 1, 1), mode='reflect')", "F.pad(x, (0, 0, 0, 0, 1, 1))",
                           "F.pad(x, (1, 1, 1, 1), mode='replicate')",
                           "F.pad(x, (1, 0, 1, 0), mode='circular')", "x[:, :, 1:, :-1]"))


def shuffle(w):
    c, h, v = w.form.sizes
    n = w.pick("x.shape[0]", "x.size(0)", "-1")
    w.line("x = " + w.pick(
        "F.pixel_shuffle(x, 2)", "F.pixel_unshuffle(x, 2)", "F.channel_shuffle(x, 2)",
        f"x.view({n}, 2, {c // 2}, {h}, {v}).transpose(1, 2).reshape({n}, {c}, {h}, {v})",
        "torch.cat(x.chunk(2, 1)[::-1], 1)", "torch.cat([x[:, 1:], x[:, :1]], 1)", "x.roll(1, 2)",
        "torch.cat(torch.split(x, [2, x.size(1) - 2], 1), 1)", "x.flip([2, 3])", "x.transpose(2, 3)",
        "torch.stack(x.unbind(1)[::2], 1)", "x.repeat(1, 2, 1, 1)", "x.flip(1).contiguous()",
        "torch.rot90(x, 1, [2, 3])", f"x.reshape({n}, {c}, -1).unflatten(2, ({h}, {v}))",
        f"x.flatten(1).view({n}, {c}, {h}, {v})",
        "x.unsqueeze(1).expand(-1, 2, -1, -1, -1).mean(1)", "x.tile(1, 1, 2, 1)", "x.mT.contiguous()",
        "x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)", "x[:, torch.arange(x.size(1) - 1)]",
        f"F.fold(F.unfold(x, 3, padding=1), ({h}, {v}), 3, padding=1)", "x.movedim(1, -1).movedim(-1, 1)",
        "x.to(memory_format=torch.channels_last)", "x[:, :2].repeat_interleave(2, 1)",
        "torch.cat([x.narrow(1, 0, 1), x.select(1, 1).unsqueeze(1)], dim=1)"))


def index(w):
    c = w.form.channels
    b = w.buffer(f"torch.randint(0, {c}, ({w.pick(4, c)},))")
    w.line("x = " + w.pick(f"x.index_select(1, {b})", f"x[:, {b}]", f"torch.gather(x, 1, {b}.view("
                           "1, -1, 1, 1).expand(x.shape[0], -1, x.shape[2], x.shape[3]))",
                           f"x.clone().index_fill(1, {b}, 0.5)", f"torch.index_add(x, 1, {b}, "
                           f"x[:, :{b}.shape[0]])" if c >= 4 else "x.index_select(1, " + b + ")"))


def buffer(w):
    c = w.form.channels
    b = w.buffer(w.pick(f"torch.randint(-2, 3, (1, {c}, 1, 1))", f"torch.randn(1, {c}, 1, 1)",
                        f"torch.rand(1, {c}, 1, 1) > 0.3", "torch.tensor(3)", "torch.tensor(0.5)",
                        f"torch.randn({c}, 1, 1)", f"torch.randint(0, 3, ({c}, 1, 1)).int()",
                        "torch.tensor([2])", "torch.tensor(2, dtype=torch.uint8)"))
    w.line(f"x = {w.pick(f'x * {b}', f'{b} * x', f'x + {b}', f'x - {b}', f'x.add({b})')}")


def double_or_half(w):
    c = w.form.channels
    if w.chance(0.4):
        b = w.buffer(f"torch.randn(1, {c}, 1, 1, dtype=torch.{w.pick('double', 'half')})")
        w.line(f"x = {w.pick(f'(x * {b}).float()', f'x + {b}.float()', f'x * {b}.to(x.dtype)')}")
    else:
        w.line("x = " + w.pick("x.double().mean([2, 3], keepdim=True).float() + x", "x.half().float()",
                               "(x.double() * 2).to(torch.float32)", "x + (x > 0).sum(1, True) * 0.1",
                               "x + x.long() * 0.5", "x.to(torch.float64).tanh().type_as(x)",
                               "x.round().int().float() * 0.1 + x", "x.bfloat16().float()"))


def inner_double(w):
    m = w.module(f"nn.Conv2d({w.form.channels}, 4, 1).double()")
    w.line(f"x = {m}(x.double()).float()")


def made_here(w):
    w.line("x = " + w.pick(
        "x + torch.arange(x.size(3), device=x.device)", "x + torch.ones_like(x) * 0.5",
        "x * torch.linspace(0, 1, x.shape[2]).view(1, 1, -1, 1)", "x + torch.zeros(x.size(0), 1, 1, 1)",
        "torch.cat([x, torch.zeros(x.shape[0], 1, x.shape[2], x.shape[3], device=x.device)], 1)",
        "x + x.new_full((x.size(0), 1, 1, 1), 0.3)", "x * torch.tensor([0.5])",
        "x + torch.eye(x.size(2), x.size(3))", "x * torch.full([x.size(1), 1, 1], 0.5)",
        "torch.cat([x, torch.ones_like(x[:, :1])], 1)", "x + torch.tensor(0.25, dtype=x.dtype)",
        "x * torch.tril(torch.ones(x.size(2), x.size(3)))", "x + torch.empty_like(x).fill_(0.5)",
        "x + torch.arange(3 * x.size(1)).view(3, -1).sum(0).view(1, -1, 1, 1) * 0.01"))


def learned_table(w):
    c, h, v = w.form.sizes
    p = w.parameter(f"torch.randn(1, {w.pick(1, c)}, {h}, {v}) * 0.3", w.chance(0.6))
    w.line(f"x = x {w.pick('+', '*', '-')} {p}")


def integer_parameter(w):
    c = w.form.channels
    p = w.parameter(f"torch.randint(0, 3, (1, {c}, 1, 1))", requires_grad=False)
    w.line(f"x = x + 0.5 * {p}")


def gate(w):
    c = w.form.channels
    a, b = w.module(f"nn.Conv2d({c}, 4, 1)"), w.module(f"nn.Conv2d(4, {c}, 1)")
    squeeze = w.pick("x.mean([2, 3], keepdim=True)", "F.adaptive_avg_pool2d(x, 1)",
                     "x.amax((2, 3), keepdim=True)")
    w.line(f"x = x * {b}(F.relu({a}({squeeze}))).sigmoid()")


def drop(w):
    p = w.pick(0.0, 1.0)
    w.line(w.pick(f"x = x + {w.module(f'nn.Dropout({p})')}(x)",
                  f"x = x * 0.5 + {w.module(f'nn.Dropout2d({p}, inplace=False)')}(x)",
                  f"x = x + F.dropout(x, {p}, HARD)", f"x = x + F.dropout(x * 1.0, {p}, self.training)",
                  f"x = x + {w.module(f'nn.AlphaDropout({p})')}(x) * 0.0"))
    w.step.leaves_no_trace = True  # in eval mode a trace takes x and dropout(x) for one
    w.step.trains_otherwise = True


def stochastic_depth(w):
    w.line("if self.training:")
    w.line("    keep = torch.bernoulli(torch.zeros(x.shape[0], 1, 1, 1) + "
           f"{w.pick('0.0', '1.0')})")
    w.line("    x = x + x * keep")
    w.line("else:")
    w.line("    x = x + x * 0.5")
    w.step.trains_otherwise = w.step.leaves_no_trace = True


def if_training(w):
    w.line("if self.training:")
    w.line("    " + w.pick("x = x * 1.5", "x = x + 0.1", "x *= 0.5"))
    w.step.trains_otherwise = w.step.leaves_no_trace = True


def mix_the_batch(w):
    w.line("x = " + w.pick("x - x.mean(0, keepdim=True)", "x.softmax(0)", "x.flip(0)", "x.roll(1, 0)",
                           "x / (x.std() + 1)", "x * x.max()", "x + x[:1]", "x.cumsum(0) * 0.3",
                           "F.normalize(x, dim=0)"))
    w.step.refusable = True


def look_at_pixels(w):
    w.line(w.pick("if x.mean() > 0:\n            x = x * 2", "x = x[:, :int(x.argmax()) * 0 + 2]",
                  "x = x * float(x.max())"))
    w.step.refusable = w.step.bakes_in = True


def save(w):
    name = w.name("y")
    w.line(f"{name} = x")
    w.saved[name] = w.form


def combine(w):
    fitting = [n for n, f in w.saved.items() if f.kind == "map" and f.sizes[1:] == w.form.sizes[1:]]
    alike = [n for n in fitting if w.saved[n].sizes == w.form.sizes]
    if alike and w.chance(0.7):
        y = w.rng.choice(alike)
        w.line("x = " + w.pick(
            f"x + {y}", f"{y} + x", f"x * {y}", f"torch.cat([x, {y}], 1)", f"torch.max(x, {y})",
            f"x.add_({y})", f"torch.lerp(x, {y}, 0.3)", f"torch.stack([x, {y}], 1).mean(1)",
            f"torch.einsum('nchw,nchw->nchw', [x, {y}])", f"torch.where(x > {y}, x, {y})",
            f"torch.add(x, {y}, alpha=0.5)", f"x.mul({y}).sum(1, keepdim=True) + x",
            f"torch.stack([x, {y}]).sum(0)", f"x.addcmul({y}, {y}, value=0.1)", f"x - {y}.detach()",
            f"torch.stack((x, {y}), -1).flatten(3)", f"x + {y} * 2"))
    elif fitting:
        w.line(f"x = torch.cat([{w.rng.choice(fitting)}, x], 1)")
    else:
        y = w.rng.choice([n for n, f in w.saved.items() if f.kind == "map"])
        m = w.module(f"nn.Conv2d({w.saved[y].channels}, {w.form.channels}, 1)")
        w.line(f"x = x + {m}(F.adaptive_avg_pool2d({y}, x.shape[-2:]))")


def helper_list(w):
    """Lists, loops and tuples of TorchScript."""
    c = w.form.channels
    lines = w.pick(
        ["parts = [x]", "for i in range(2):", "    parts.append(parts[-1] * 0.5)",
         "x = torch.cat(parts, 1)"],
        ["for i in range(3):", f"    x = x * (1.0 + i * 0.1)"],
        ["a, b = x.chunk(2, 1)", "x = torch.cat([a * b, b], 1)"],
        [f"a, b = x.split([1, {c - 1}], 1)", "x = b + a"],
        ["n, c, h, v = x.shape", "x = x.reshape(n, c * h, v).view(n, c, h, v)"],
        ["total = x.mean([2, 3], keepdim=True)", "for part in x.chunk(2, 1):",
         "    total = total + part.amax([1, 2, 3], keepdim=True)", "x = x + total"],
        ["size = [x.size(0), x.size(1), -1]", "x = x.view(size).softmax(-1).view_as(x)"],
        ["outs = [x * 0.5, x.relu()]", "outs.append(x)", "outs[0] = outs[0] + 1",
         "x = outs[0] + outs[1] + outs[2]"])
    for line in lines:
        w.line(line)


def to_nhwc(w):
    w.line("x = " + w.pick("x.permute(0, 2, 3, 1)", "x.permute(0, 2, 3, 1).contiguous()",
                           "x.movedim(1, -1)"))
    return "nhwc"


def to_tokens(w):
    w.line("x = " + w.pick("x.flatten(2).transpose(1, 2)", "x.flatten(2).permute(0, 2, 1)",
                           f"x.reshape(x.shape[0], {w.form.channels}, -1).transpose(1, 2)",
                           "torch.einsum('nct->ntc', [x.flatten(2)])"))
    return "tokens"


def to_vector(w):
    w.line("x = " + w.pick("x.mean([2, 3])", "F.adaptive_avg_pool2d(x, 1).flatten(1)",
                           "F.adaptive_avg_pool2d(x, (1, 1)).view(x.size(0), -1)",
                           "x.mean(dim=(-2, -1))", "x.amax([2, 3])", "x.flatten(2).mean(-1)",
                           "F.adaptive_max_pool2d(x, 1).squeeze(-1).squeeze(-1)",
                           "F.avg_pool2d(x, x.size()[2:]).reshape(x.size(0), -1)",
                           "F.adaptive_avg_pool2d(x, 2).flatten(1)"))
    return "vector"


# With how often they come.
STEPS = {convolution: 8, transposed_convolution: 2, convolution_1d: 2, convolution_3d: 2,
         functional_convolution: 2, batch_norm: 4, functional_batch_norm: 1,
         batch_norm_of_the_batch: 0.4, other_norm: 3, tracking_instance_norm: 1, activation: 5,
         learned_activation: 1, arithmetic: 5, in_place: 3, write_into_a_view: 0.5,
         assign_to_a_part: 0.5, pool: 2, resample: 1, sample_grid: 0.5, pad: 1.5, shuffle: 4, index: 1,
         buffer: 2, double_or_half: 1.5, inner_double: 0.5, made_here: 2, learned_table: 1, integer_parameter: 0.5,
         gate: 1.5, drop: 1.5, stochastic_depth: 0.7, if_training: 0.5, mix_the_batch: 0.4,
         look_at_pixels: 0.2, save: 3, combine: 4, helper_list: 2, to_nhwc: 1, to_tokens: 1.2,
         to_vector: 1}
