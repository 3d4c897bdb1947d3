"""Optima of multinomial logistic regression for probe/golden_test.go.

    python gen_logistic.py > logistic.json

Plain numpy: Newton's method with the full Hessian in float64, on features standardised with the population variance, until the gradient is below 1e-13. The
objective is that of scikit-learn's LogisticRegression(C=1/(l2*N)): mean cross-entropy + l2/2 * |W|^2, without a penalty on the intercept.
"""
import json

import numpy as np


def optimum(x, y, classes, l2):
    n = len(x)
    x = (x - x.mean(0)) / x.std(0)
    a = np.concatenate([x, np.ones((n, 1))], 1)  # (N,D+1)
    d = a.shape[1]
    theta = np.zeros((d, classes))
    penalty = np.full((d, classes), l2)
    penalty[-1] = 0
    onehot = np.eye(classes)[y]
    for _ in range(100):
        z = a @ theta
        z -= z.max(1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(1, keepdims=True)
        g = a.T @ (p - onehot) / n + penalty * theta
        if np.abs(g).max() < 1e-13:
            break
        h = np.zeros((d, classes, d, classes))
        for i in range(n):
            block = np.diag(p[i]) - np.outer(p[i], p[i])
            h += np.einsum("i,j,kl->ikjl", a[i], a[i], block) / n
        h = h.reshape(d * classes, -1) + np.diag(penalty.reshape(-1))
        # The common shift of all intercepts changes nothing; the pseudo-inverse takes no step along it.
        step = np.linalg.pinv(h, rcond=1e-12) @ g.reshape(-1)
        theta -= step.reshape(d, classes)
    loss = -np.log(p[np.arange(n), y]).mean() + (penalty * theta**2).sum() / 2
    return theta, loss, np.abs(g).max()


def main():
    r = np.random.default_rng(7)
    cases = []
    for n, d, classes, l2 in [(40, 3, 2, 1e-2), (60, 5, 4, 1e-3), (25, 12, 3, 0.1)]:
        centres = r.normal(size=(classes, d)) * 1.2
        y = r.integers(0, classes, n)
        y[:classes] = np.arange(classes)
        x = np.round((centres[y] + r.normal(size=(n, d))) * np.exp(r.normal(size=d)) + 3 * r.normal(size=d), 3).astype(np.float32)
        theta, loss, residual = optimum(x.astype(np.float64), y, classes, l2)
        assert residual < 1e-12, residual
        cases.append(dict(dim=d, classes=classes, l2=l2, x=[round(float(v), 3) for v in x.reshape(-1)], y=y.tolist(), w=theta[:-1].reshape(-1).tolist(),
                          b=theta[-1].tolist(), loss=loss))
    print(json.dumps(cases))


main()
