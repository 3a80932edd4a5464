"""What stands behind the features: a classifier or nothing, and what is done to its logits."""

# The lines behind the logits, and what comes out.
LOGITS = ["", "", "", "", "x = x.clone()", "x = F.dropout(x, 0.0, self.training)", "x = x.contiguous()",
          "x = x.flatten(1)", "x = x.view(x.size(0), -1)"]
PROBABILITIES = ["x = x.softmax(1)", "x = F.softmax(x, dim=-1)", "x = x.softmax(1).clone()",
                 "x = x.softmax(1).clamp(1e-6, 1.0)", "x = x.softmax(1).reshape(x.shape[0], -1)",
                 "x = x.softmax(1).unsqueeze(1).squeeze(1)", "x = x.exp() / x.exp().sum(1, True)",
                 "x = F.log_softmax(x, 1).exp()", "x = torch.exp(torch.log_softmax(x, 1))[:, :]",
                 "x = x.softmax(1).double().float()", "x = x.softmax(1) * 1.0"]
LOG_PROBABILITIES = ["x = F.log_softmax(x, 1)", "x = x.log_softmax(-1)", "x = x.softmax(1).log()"]
SIGMOID = ["x = x.sigmoid()", "x = torch.sigmoid(x).clone()"]


def classifier(w):
    """Returns what the network gives: features, logits, probabilities, log_probabilities or sigmoid."""
    if w.form.kind != "vector" or w.chance(0.25):
        return "features"
    c, classes = w.form.channels, w.pick(1, 2, 3, 7)
    which = w.rng.random()
    if which < 0.6:
        w.line(f"x = {w.module(f'nn.Linear({c}, {classes}, bias={w.chance(0.8)})')}(x)")
    elif which < 0.8:
        w.line(f"x = {w.module(f'nn.Conv2d({c}, {classes}, 1)')}(x[:, :, None, None]).flatten(1)")
    else:
        p = w.parameter(f"torch.randn({c}, {classes})")
        w.line(f"x = {w.pick(f'x @ {p}', f'torch.mm(x, {p})', f'F.linear(x, {p}.t())')}")
    weights = [6, 0, 0, 2] if classes == 1 else [6, 3, 1, 1]
    gives = w.rng.choices(["logits", "probabilities", "log_probabilities", "sigmoid"],
                          weights=weights)[0]
    lines = {"logits": LOGITS, "probabilities": PROBABILITIES,
             "log_probabilities": LOG_PROBABILITIES, "sigmoid": SIGMOID}[gives]
    line = w.rng.choice(lines)
    if line:
        w.line(line)
    return gives
