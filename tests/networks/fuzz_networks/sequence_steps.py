"""Steps on N x H x W x C maps, N x T x C tokens and N x C vectors, whose last side is channels."""


def linear(w):
    c = w.form.channels
    out = w.pick(4, 6, 8)
    if w.chance(0.5):
        w.line(f"x = {w.module(f'nn.Linear({c}, {out}, bias={w.chance(0.7)})')}(x)")
        return
    p = w.parameter(f"torch.randn({c}, {out}) * 0.4")
    w.line("x = " + w.pick(f"x @ {p}", f"torch.matmul(x, {p})", f"torch.einsum('...c,cd->...d', x, {p})",
                           f"torch.tensordot(x, {p}, dims=1)", f"F.linear(x, {p}.t())",
                           f"F.linear(x, {p}.transpose(0, 1) * 0.5)"))


def norm(w):
    c = w.form.channels
    m = w.module(w.pick(f"nn.LayerNorm({c})", f"nn.LayerNorm({c}, elementwise_affine=False)",
                        f"nn.RMSNorm({c})"))
    w.line(f"x = {m}(x)")


def activation(w):
    w.line("x = " + w.pick("F.gelu(x)", "x.relu()", "F.silu(x)", "torch.tanh(x)", "x.softmax(-1)",
                           "F.glu(torch.cat([x, x], -1))", "x * x.shape[-1] ** -0.5", "F.elu(x)",
                           "F.normalize(x, dim=-1)", "x.clamp(min=-1)", "F.log_softmax(x, -1)"))


def learned_affine(w):
    c = w.form.channels
    p = w.parameter(f"torch.rand({c}) + 0.5", w.chance(0.8))
    w.line(f"x = x {w.pick('*', '+', '-')} {p}")


def buffer(w):
    c = w.form.channels
    b = w.buffer(w.pick(f"torch.randint(0, 3, ({c},))", f"torch.randn({c})", f"torch.rand({c}) > 0.4"))
    w.line(f"x = {w.pick(f'x * {b}', f'x + {b}', f'x.masked_fill({b} > 0, 0.5)')}")


def residual(w):
    c = w.form.channels
    a, b = w.module(f"nn.Linear({c}, 8)"), w.module(f"nn.Linear(8, {c})")
    inner = w.pick("F.gelu", "F.relu", "torch.tanh")
    w.line(w.pick(f"x = x + {b}({inner}({a}(x)))", f"x += {b}({inner}({a}(x)))",
                  f"x = torch.add(x, {b}({inner}({a}(x))), alpha=0.5)"))


def drop(w):
    p = w.pick(0.0, 1.0)
    w.line(w.pick(f"x = x + {w.module(f'nn.Dropout({p})')}(x)",
                  f"x = x + F.dropout(x * 0.3, {p}, training=HARD)"))
    w.step.leaves_no_trace = True  # in eval mode a trace takes x and dropout(x) for one
    w.step.trains_otherwise = True


def part(w):
    w.line("x = " + w.pick("torch.cat(x.chunk(2, -1)[::-1], -1)", "x[..., :-1]", "x.roll(1, -1)",
                           "torch.cat([x[..., 1:], x[..., :1]], -1)", "x.flip(-1)",
                           "x.narrow(-1, 0, 3)", "F.pad(x, (1, 0))", "x[..., ::2]"))


def made_here(w):
    w.line("x = " + w.pick("x + torch.arange(x.size(-1), device=x.device) * 0.1",
                           "x * torch.ones(x.size(-1))", "x + torch.zeros_like(x[:, :1])",
                           "x + torch.linspace(0, 1, x.shape[-1])"))


ANY = {linear: 5, norm: 3, activation: 4, learned_affine: 1, buffer: 1, residual: 3, drop: 1, part: 1,
       made_here: 1}

# --- N x H x W x C ---


def pool_nhwc(w):
    w.line("x = " + w.pick("x[:, ::2, ::2]", "x.unfold(1, 2, 2).mean(-1)",
                           "torch.cat([x[:, 0::2, 0::2, :], x[:, 1::2, 0::2, :]], -1)"))


def roll_nhwc(w):
    w.line("x = torch.roll(x, shifts=(-1, -1), dims=(1, 2))")


def windows(w):
    h, v, c = w.form.sizes
    n = w.pick("x.shape[0]", "x.size(0)")
    w.line(f"x = x.view({n}, {h // 2}, 2, {v // 2}, 2, {c}).permute(0, 1, 3, 2, 4, 5)"
           f".reshape(-1, 4, {c})")
    q = w.module(f"nn.Linear({c}, {c})")
    w.line(f"x = F.scaled_dot_product_attention({q}(x), x, x)")
    w.line(f"x = x.view(-1, {h // 2}, {v // 2}, 2, 2, {c}).permute(0, 1, 3, 2, 4, 5)"
           f".reshape(-1, {h}, {v}, {c})")


def back_to_map(w):
    w.line("x = " + w.pick("x.permute(0, 3, 1, 2)", "x.permute(0, 3, 1, 2).contiguous()"))
    return "map"


def nhwc_to_vector(w):
    w.line("x = " + w.pick("x.mean([1, 2])", "x.mean(1).mean(1)", "x.amax((1, 2))"))
    return "vector"


def nhwc_to_tokens(w):
    w.line("x = " + w.pick("x.flatten(1, 2)", "x.reshape(x.shape[0], -1, x.shape[-1])"))
    return "tokens"


NHWC = ANY | {pool_nhwc: 1, roll_nhwc: 1, windows: 2, back_to_map: 3, nhwc_to_vector: 1,
              nhwc_to_tokens: 1}

# --- N x T x C ---


def class_token(w):
    c = w.form.channels
    p = w.parameter(f"torch.randn(1, 1, {c})")
    expanded = w.pick(f"{p}.expand(x.shape[0], -1, -1)", f"{p}.repeat(x.size(0), 1, 1)",
                      f"{p}.expand(x.size(0), 1, {c})")
    w.line(f"x = torch.cat([{expanded}, x], dim=1)")


def positions(w):
    t, c = w.form.sizes
    p = w.parameter(f"torch.randn(1, {t}, {c}) * 0.3", w.chance(0.7))
    w.line(f"x = x + {p}")


def embedding(w):
    t, c = w.form.sizes
    m = w.module(f"nn.Embedding({t}, {c})")
    w.line(f"x = x + {m}(torch.arange(x.size(1), device=x.device))")


def attention(w):
    c = w.form.channels
    heads = w.pick(1, 2)
    m = w.module(f"nn.MultiheadAttention({c}, {heads}, dropout={w.pick(0.0, 0.0, 1.0)}, "
                 f"batch_first=True)")
    w.line(f"x = x + {m}(x, x, x, need_weights={w.pick('False', 'True')})[0]")
    w.step.trains_otherwise = w.step.leaves_no_trace = True


def own_attention(w):
    t, c = w.form.sizes
    qkv = w.module(f"nn.Linear({c}, {3 * c})")
    w.line("n, t, c = x.shape")
    w.line(f"q, k, v = {qkv}(x).reshape(n, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)")
    if w.chance(0.5):
        w.line(f"a = (q * (c // 2) ** -0.5) @ k.transpose(-2, -1)")
        if w.chance(0.5):
            w.line(f"a = a + {w.parameter(f'torch.randn(1, 2, {t}, {t}) * 0.2')}")
        w.line("x = (a.softmax(dim=-1) @ v).transpose(1, 2).reshape(n, t, c)")
    else:
        extra = w.pick("", ", is_causal=True", f", attn_mask={w.buffer(f'torch.rand({t}, {t}) > 0.2')}",
                       ", dropout_p=1.0 if self.training else 0.0")
        w.line(f"x = x + F.scaled_dot_product_attention(q, k, v{extra}).transpose(1, 2).flatten(2)")
        w.step.trains_otherwise = w.step.leaves_no_trace = "dropout" in extra


def encoder_layer(w):
    c = w.form.channels
    m = w.module(f"nn.TransformerEncoderLayer({c}, 2, 8, dropout=0.0, batch_first=True, "
                 f"norm_first={w.chance(0.5)}, activation='{w.pick('gelu', 'relu')}')")
    w.line(f"x = {m}(x)")


def bmm(w):
    w.line("x = " + w.pick("torch.bmm(torch.bmm(x, x.transpose(1, 2)).softmax(-1), x)",
                           "torch.baddbmm(x, x @ x.transpose(1, 2), x, alpha=0.1)",
                           "torch.einsum('nst,ntc->nsc', torch.einsum('nsc,ntc->nst', x, x) * 0.1, x)"))


def recurrent(w):
    c = w.form.channels
    kind = w.pick("LSTM", "GRU", "RNN")
    m = w.module(f"nn.{kind}({c}, 4, {w.pick(1, 2)}, batch_first=True, "
                 f"bidirectional={w.chance(0.4)})")
    w.line(f"x = {m}(x)[0]")


def token_convolution(w):
    c = w.form.channels
    m = w.module(f"nn.Conv1d({c}, {c}, 3, padding={w.pick(1, repr('same'))}, groups={w.pick(1, c)})")
    w.line(f"x = {m}(x.transpose(1, 2)).transpose(1, 2)")


def token_norm(w):
    c = w.form.channels
    m = w.module(f"nn.BatchNorm1d({c})")
    w.line(f"x = {m}(x.transpose(1, 2)).transpose(1, 2)")


def sequence_first(w):
    c = w.form.channels
    m = w.module(f"nn.MultiheadAttention({c}, 1)")
    w.line("x = x.transpose(0, 1)")
    w.line(f"x = {m}(x, x, x)[0].transpose(0, 1)")


def choose_tokens(w):
    w.line("x = " + w.pick("x[:, 1:]", "x[:, ::2]", "x.flip(1)", "x[:, :4]", "x.roll(1, 1)",
                           "F.pad(x, (0, 0, 0, 1))", "x.sort(1)[0]", "x.topk(3, 1)[0]",
                           "F.max_pool1d(x.transpose(1, 2), 2).transpose(1, 2)"))


def tokens_to_vector(w):
    w.line("x = " + w.pick("x[:, 0]", "x.mean(1)", "x.mean(dim=1)", "x[:, -1]", "x.amax(1)",
                           "x.select(1, 0)", "x.flatten(1)", "x[:, 1:].mean(1)"))
    return "vector"


TOKENS = ANY | {class_token: 2, positions: 2, embedding: 1, attention: 3, own_attention: 3,
                encoder_layer: 1.5, bmm: 1, recurrent: 2, token_convolution: 1, token_norm: 1,
                sequence_first: 1, choose_tokens: 2, tokens_to_vector: 3}

# --- N x C ---


def batch_norm(w):
    m = w.module(f"nn.BatchNorm1d({w.form.channels}, affine={w.chance(0.7)}, "
                 f"momentum={w.pick(0.1, None)})")
    w.line(f"x = {m}(x)")


def to_one_pixel(w):
    c = w.form.channels
    m = w.module(f"nn.Conv2d({c}, 6, 1)")
    w.line(f"x = {m}(x[:, :, None, None]).flatten(1)")


def bilinear(w):
    c = w.form.channels
    w.line(f"x = {w.module(f'nn.Bilinear({c}, {c}, 4)')}(x, x)")


VECTOR = ANY | {batch_norm: 2, to_one_pixel: 1, bilinear: 0.5}
